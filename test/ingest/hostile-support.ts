import fc from 'fast-check';
import { type Path, parsePath } from '../../services/ingest/paths.ts';

/** Values that a field of another type may come with. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 1e300, 5.5, '', ' ', 'x', '*', '\u0000', '\ud800', '[1]', '{"a":1}', '{'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constant('y'.repeat(3_000)),
  fc.jsonValue({ maxDepth: 3 }),
);

/** The document with `value` where the path leads; the first element of each list on the way. */
export function atPath(document: unknown, path: string, value: unknown): unknown {
  const { steps } = parsePath(path) as Path;
  return put(document, steps, value);
}

function put(document: unknown, steps: Path['steps'], value: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  if (typeof step !== 'string') {
    const list: readonly unknown[] = Array.isArray(document) ? document : [];
    return [put(list[0], rest, value), ...list.slice(1)];
  }
  const object = typeof document === 'object' && document !== null && !Array.isArray(document) ? document : {};
  return { ...object, [step]: put((object as Record<string, unknown>)[step], rest, value) };
}

/** The document with some of its values replaced, at any depth, and some fields added. */
export function mutations(document: unknown): fc.Arbitrary<unknown> {
  if (typeof document !== 'object' || document === null) return mostly(document);
  if (Array.isArray(document)) return fc.oneof(fc.tuple(...document.map(mutations)), oddValue);
  const fields = Object.fromEntries(Object.entries(document).map(([name, value]) => [name, mutations(value)]));
  const whole = fc.record(fields, { requiredKeys: [] });
  const more = fc.tuple(whole, fc.dictionary(fc.string(), oddValue, { maxKeys: 3 }));
  return fc.oneof(
    { weight: 6, arbitrary: fc.record(fields) },
    { weight: 2, arbitrary: whole },
    { weight: 2, arbitrary: more.map(([one, two]) => ({ ...two, ...one })) },
    { weight: 1, arbitrary: oddValue },
  );
}

const mostly = (value: unknown): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: oddValue });

/** The bytes with a few of them overwritten, taken out or doubled, mostly where JSON is made of. */
export function byteMutations(bytes: Buffer): fc.Arbitrary<Buffer> {
  const spot = fc.nat({ max: bytes.length - 1 });
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\ \n0-eRn')), fc.integer({ min: 0, max: 255 }));
  const change = fc.tuple(spot, fc.constantFrom('put', 'drop', 'repeat'), byte, fc.nat({ max: 40 }));
  return fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    let mutated = bytes;
    for (const [at, kind, value, length] of changes) {
      const middle = { put: Buffer.from([value]), drop: Buffer.alloc(0), repeat: mutated.subarray(at, at + length) };
      const from = kind === 'drop' ? at + length : kind === 'put' ? at + 1 : at;
      mutated = Buffer.concat([mutated.subarray(0, at), middle[kind as keyof typeof middle], mutated.subarray(from)]);
    }
    return mutated;
  });
}
