import { Group, MEMBER_WORDS } from '../group.ts';

/**
 * A group of identities that declare none is divided by the tools that they use most. What is told of tools, resources,
 * small vocabularies and amounts is kept apart by label; the rest, and what was taught before there was a label, is kept
 * for all. The group as a whole is the sum, so dividing loses nothing.
 */
const PARTS_MAX = 24;
/** Slots of a part's table: tools, resources and small vocabularies, of which a team has fewer than a fleet. */
const PART_CAPACITY = 16_384;
const MAGIC = 0x43534733;

export function partOf(group: Group, label: number): Group {
  let part = group.parts.get(label);
  if (part === undefined) {
    if (group.parts.size >= PARTS_MAX) absorbSmallest(group);
    part = new Group(PART_CAPACITY);
    group.parts.set(label, part);
  }
  return part;
}

/** A flood of labels contends for one part: the least taught goes back into the whole, and nothing of it is lost. */
function absorbSmallest(group: Group): void {
  let smallest = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [label, { sessions }] of group.parts) {
    if (sessions < least || (sessions === least && label < smallest)) {
      least = sessions;
      smallest = label;
    }
  }
  group.absorb(group.parts.get(smallest) as Group);
  group.parts.delete(smallest);
}

/** Bytes of a group with its members and parts. Equal content gives equal bytes. */
export function encodeDivided(group: Group): Uint8Array {
  const labels = [...group.parts.keys()].sort((a, b) => a - b);
  const all = [group, ...labels.map((label) => group.parts.get(label) as Group)];
  const bodies = all.map((one) => one.encode());
  const head = new Uint32Array(2 + all.length * (2 + MEMBER_WORDS));
  head[0] = MAGIC;
  head[1] = labels.length;
  let at = 2;
  for (const [i, one] of all.entries()) {
    head[at] = i === 0 ? 0 : (labels[i - 1] as number);
    head[at + 1] = (bodies[i] as Uint8Array).length;
    head.set(one.members, at + 2);
    at += 2 + MEMBER_WORDS;
  }
  const bytes = new Uint8Array(head.byteLength + bodies.reduce((sum, body) => sum + body.length, 0));
  const view = new DataView(bytes.buffer);
  for (const [i, word] of head.entries()) view.setUint32(i * 4, word, true);
  let next = head.byteLength;
  for (const body of bodies) {
    bytes.set(body, next);
    next += body.length;
  }
  return bytes;
}

/**
 * A group of before there were parts is read as one without any.
 * @throws RangeError when the bytes are no group.
 */
export function decodeDivided(bytes: Uint8Array): Group {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || view.getUint32(0, true) !== MAGIC) return Group.decode(bytes);
  const count = 1 + view.getUint32(4, true);
  const entry = 4 * (2 + MEMBER_WORDS);
  let next = 8 + count * entry;
  if (count > PARTS_MAX + 1 || bytes.length < next) throw new RangeError('group state is cut');
  const read = (i: number): { label: number; group: Group } => {
    const at = 8 + i * entry;
    const length = view.getUint32(at + 4, true);
    const group = Group.decode(bytes.subarray(next, next + length), i === 0 ? undefined : PART_CAPACITY);
    next += length;
    for (let word = 0; word < MEMBER_WORDS; word++) group.members[word] = view.getUint32(at + 8 + word * 4, true);
    return { label: view.getUint32(at, true), group };
  };
  const { group: whole } = read(0);
  for (let i = 1; i < count; i++) {
    const { label, group } = read(i);
    whole.parts.set(label, group);
  }
  if (next !== bytes.length) throw new RangeError('group state is cut');
  return whole;
}
