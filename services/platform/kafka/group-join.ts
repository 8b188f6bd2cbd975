import type { RawRequest } from './internals.ts';

/** The coordinator's answer to a member that asks to join. */
export type JoinAnswer = {
  readonly error_code: number;
  readonly generation: number;
  readonly leader: string;
  /** Also told with `MEMBER_ID_REQUIRED`: to ask again with. */
  readonly member: string;
  /** Only told to the leader. */
  readonly members: readonly { readonly id: string; readonly metadata: Buffer }[];
};

export const MEMBER_ID_REQUIRED = 79;

const JOIN_GROUP = 11;
/** Beyond the rebalance timeout, which the coordinator may use up. */
const SLACK_MS = 5_000;

/**
 * JoinGroup, version 5. kafkajs has it too, but keeps the member id to itself until the group has come together: who leaves
 * before that could not say so, and the others would wait for it until the session times out.
 */
export function joinRequest(options: {
  readonly group: string;
  readonly member: string;
  readonly session_ms: number;
  readonly rebalance_ms: number;
  readonly protocol: string;
  readonly metadata: Buffer;
}): RawRequest<JoinAnswer> {
  const body = Buffer.concat([
    text(options.group),
    int32(options.session_ms),
    int32(options.rebalance_ms),
    text(options.member),
    Buffer.of(0xff, 0xff), // no static member
    text('consumer'),
    int32(1),
    text(options.protocol),
    int32(options.metadata.length),
    options.metadata,
  ]);
  return {
    api_key: JOIN_GROUP,
    api_version: 5,
    api_name: 'JoinGroup',
    body,
    decode: decodeJoin,
    timeout_ms: options.rebalance_ms + SLACK_MS,
  };
}

/** Throws RangeError when the payload ends early. */
export function decodeJoin(payload: Buffer): JoinAnswer {
  let at = 4; // throttle time
  const bytes = (length: number): Buffer => {
    if (at + length > payload.length) throw new RangeError('the answer ends early');
    at += length;
    return payload.subarray(at - length, at);
  };
  const readInt32 = (): number => bytes(4).readInt32BE();
  const string = (): string => bytes(Math.max(0, bytes(2).readInt16BE())).toString();
  const error_code = bytes(2).readInt16BE();
  const generation = readInt32();
  string(); // protocol: there is only one
  const leader = string();
  const member = string();
  const members = [];
  for (let left = readInt32(); left > 0; left--) {
    const id = string();
    string(); // static member
    members.push({ id, metadata: bytes(Math.max(0, readInt32())) });
  }
  return { error_code, generation, leader, member, members };
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
