import kafkajs from 'kafkajs';
import { LIMITS } from '../../../schemas/limits.ts';
import type { MemberClaim } from './assignor.ts';
import type { KafkaConnection } from './connection.ts';
import { failureOf } from './connection-errors.ts';
import type { KafkaNodes } from './connection-nodes.ts';
import { type JoinAnswer, joinRequest, MEMBER_ID_REQUIRED } from './group-join.ts';
import { type Broker, errorOfCode, sendRaw } from './internals.ts';
import { createMetadata } from './metadata.ts';

/** A place in one generation of a group. */
export type Membership = {
  /** Given by the coordinator; empty before it has given one. */
  readonly member: string;
  readonly generation: number;
};

/** A group that has come together; its members wait to be told what they get. */
export type Joined = {
  readonly membership: Membership;
  /** What the members claim, told to the one that shares out. */
  readonly claims: readonly MemberClaim[] | undefined;
};

export type Claim = { readonly owned: readonly number[]; readonly generation: number };

export type Progress = readonly { readonly partition: number; readonly next: number }[];

/** What a member says to the coordinator of its group. All reject with errors of kafkajs. */
export type GroupRequests = {
  findCoordinator(): Promise<void>;
  /**
   * Takes as long as the slowest other member, at most the rebalance timeout. `named` is told of the member's name as
   * soon as it has one.
   */
  join(member: string, claim: Claim, named: (member: string) => void): Promise<Joined>;
  /** The partitions that the member gets. The one that shares out says what everyone gets. */
  sync(membership: Membership, given?: ReadonlyMap<string, readonly number[]>): Promise<readonly number[]>;
  heartbeat(membership: Membership): Promise<void>;
  commit(membership: Membership, progress: Progress): Promise<void>;
  leave(member: string): Promise<void>;
  /** Partitions that the topic has now. */
  countPartitions(): Promise<number>;
  /** Makes a join that is under way fail, and every later one. */
  interrupt(): void;
  destroy(): void;
};

export type GroupOptions = {
  readonly topic: string;
  readonly group: string;
  readonly session_ms: number;
  readonly rebalance_ms: number;
};

const { AssignerProtocol } = kafkajs;
/** Members of a group share one protocol; another version of ours would need another name. */
const PROTOCOL = 'countersign-sticky-1';
const VERSION = 0;
/** A sign of life that is not answered for a third of the session, but at least so long, is given on another connection. */
const SIGN_MS_MIN = 1_000;

export function createGroupRequests(connection: KafkaConnection, options: GroupOptions): GroupRequests {
  const { topic, group: groupId } = options;
  // A join is answered after a long time, and the coordinator answers in order: signs of life go another way.
  const joining = connection.nodes();
  const request_ms = Math.max(SIGN_MS_MIN, Math.min(LIMITS.kafka_request_ms, options.session_ms / 3));
  const signs = connection.nodes({ request_ms });
  const metadata = createMetadata(connection, signs);
  let coordinator: number | undefined;

  const atCoordinator = async <T>(nodes: KafkaNodes, work: (broker: Broker) => Promise<T>): Promise<T> => {
    try {
      coordinator ??= await findCoordinator(connection, { nodes, groupId });
      return await nodes.use(coordinator, work);
    } catch (error) {
      const { kind } = failureOf(error);
      if (kind === 'moved' || kind === 'connection') coordinator = undefined;
      throw error;
    }
  };
  const countPartitions = async (): Promise<number> => (await metadata.describe(topic)).partitions;

  return {
    findCoordinator: () => atCoordinator(signs, async () => {}),
    countPartitions,
    join: (member, claim, named) =>
      joinAs(member, named, (as) =>
        atCoordinator(joining, (broker) =>
          sendRaw(
            broker,
            joinRequest({ ...options, member: as, protocol: PROTOCOL, metadata: encodeClaim(topic, claim) }),
          ),
        ),
      ),
    sync: async ({ member, generation }, given) => {
      const { memberAssignment } = await atCoordinator(joining, (broker) =>
        broker.syncGroup({
          groupId,
          memberId: member,
          generationId: generation,
          groupAssignment: [...(given ?? [])].map(([memberId, own]) => ({
            memberId,
            memberAssignment: encodeAssignment(topic, own),
          })),
        }),
      );
      return AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
    },
    heartbeat: async ({ member, generation }) => {
      await atCoordinator(signs, (broker) =>
        broker.heartbeat({ groupId, memberId: member, groupGenerationId: generation }),
      );
    },
    commit: async ({ member, generation }, progress) => {
      const partitions = progress.map(({ partition, next }) => ({ partition, offset: `${next}`, metadata: null }));
      await atCoordinator(signs, (broker) =>
        broker.offsetCommit({
          groupId,
          memberId: member,
          groupGenerationId: generation,
          topics: [{ topic, partitions }],
        }),
      );
    },
    leave: async (member) => {
      await atCoordinator(signs, (broker) => broker.leaveGroup({ groupId, memberId: member }));
    },
    interrupt: joining.destroy,
    destroy: () => {
      joining.destroy();
      signs.destroy();
    },
  };
}

/** A member without a name is given one first, and has to ask again with it (KIP-394). */
async function joinAs(
  member: string,
  named: (member: string) => void,
  ask: (as: string) => Promise<JoinAnswer>,
): Promise<Joined> {
  let answer = await ask(member);
  if (answer.error_code === MEMBER_ID_REQUIRED) {
    named(answer.member);
    answer = await ask(answer.member);
  }
  if (answer.error_code !== 0) throw errorOfCode(answer.error_code);
  named(answer.member);
  const leads = answer.leader === answer.member;
  return {
    membership: { member: answer.member, generation: answer.generation },
    claims: leads ? answer.members.map(({ id, metadata }) => decodeClaim(id, metadata)) : undefined,
  };
}

async function findCoordinator(
  connection: KafkaConnection,
  { nodes, groupId }: { readonly nodes: KafkaNodes; readonly groupId: string },
): Promise<number> {
  const { coordinator } = await nodes.use('any', (broker) =>
    broker.findGroupCoordinator({ groupId, coordinatorType: 0 }),
  );
  connection.addresses.set(coordinator.nodeId, { host: coordinator.host, port: coordinator.port });
  return coordinator.nodeId;
}

/** The standard layout, so that Kafka's own tools show who has what; what the member owns stands in its free part. */
function encodeClaim(topic: string, claim: { readonly owned: readonly number[]; readonly generation: number }): Buffer {
  const userData = Buffer.from(JSON.stringify(claim));
  return AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics: [topic], userData });
}

function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  const assignment = { [topic]: [...partitions] };
  return AssignerProtocol.MemberAssignment.encode({ version: VERSION, assignment, userData: Buffer.alloc(0) });
}

/** What another member wrote of itself; whatever it is, it claims at most partitions. */
export function decodeClaim(id: string, metadata: Buffer): MemberClaim {
  const none = { id, owned: [], generation: -1 };
  try {
    const userData = AssignerProtocol.MemberMetadata.decode(metadata)?.userData;
    const claim: unknown = JSON.parse(userData?.toString() ?? '');
    if (typeof claim !== 'object' || claim === null || !('owned' in claim) || !('generation' in claim)) return none;
    const { owned, generation } = claim;
    if (!Array.isArray(owned) || !Number.isSafeInteger(generation)) return none;
    return { id, owned: owned.filter(Number.isSafeInteger), generation: Number(generation) };
  } catch {
    return none;
  }
}
