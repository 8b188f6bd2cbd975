import { firstVisible } from '../split.ts';
import { attempt } from './damage.ts';
import { expectEnd, readEnd, wireReader } from './wire.ts';

/** The tag of field 1 as a message, with which every request begins. In JSON it is a line feed. */
const FIRST = 0x0a;
/** Tags with which a group by resource begins: resource, groups by scope, schema URL. */
const GROUP_TAGS: ReadonlySet<number> = new Set([0x0a, 0x12, 0x1a]);

/**
 * Whether bytes are an OTLP request in protobuf, whole or damaged, and no JSON. Nearly always the first bytes tell. A
 * request that begins like text behind a line feed (`\n{`, a first group of 123 bytes) is one only if all of its outline
 * is right and it cannot be parsed as JSON.
 */
export function fitsProto(bytes: Buffer): boolean {
  if (bytes[0] !== FIRST || bytes.length < 2) return false;
  if (!beginsWithGroup(bytes)) return false;
  return !isLikeText(bytes[1] as number) || (isOutline(bytes) && !isJson(bytes));
}

/** Whether bytes that claim to be protobuf may be: all that are not plainly JSON. */
export function mayBeProto(bytes: Buffer): boolean {
  const first = bytes[firstVisible(bytes)];
  return (first !== OPENING_BRACE && first !== OPENING_BRACKET) || fitsProto(bytes);
}

const OPENING_BRACE = 0x7b;
const OPENING_BRACKET = 0x5b;

/** White space, or the beginning of a JSON document. */
function isLikeText(byte: number): boolean {
  return byte === OPENING_BRACE || byte === OPENING_BRACKET || firstVisible(Buffer.of(byte)) === 1;
}

function beginsWithGroup(bytes: Buffer): boolean {
  return holds(() => {
    const reader = wireReader(bytes);
    reader.tag();
    return reader.uint32() === 0 || GROUP_TAGS.has(bytes[reader.pos] ?? 0);
  });
}

function isOutline(bytes: Buffer): boolean {
  return holds(() => {
    const reader = wireReader(bytes);
    while (reader.pos < bytes.length) {
      if (reader.tag()[0] !== 1) return false;
      const end = readEnd(reader, 2, bytes.length, 'request');
      while (reader.pos < end) {
        if (!GROUP_TAGS.has(bytes[reader.pos] as number)) return false;
        const [, wire] = reader.tag();
        reader.pos = readEnd(reader, wire, end, 'group');
      }
      expectEnd(reader, end, 'group');
    }
    return true;
  });
}

/** False also where the wire reader fails. */
function holds(test: () => boolean): boolean {
  const told = attempt('request', () => ({ holds: test() }));
  return 'holds' in told && told.holds;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    return false;
  }
}
