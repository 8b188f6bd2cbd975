import { gzipSync } from 'node:zlib';

/** Input that sources should not send, as NDJSON files and bodies: what each must come to, reason by reason. */
export type HostileInput = {
  readonly name: string;
  readonly body: Buffer;
  readonly accepted: number;
  /** Dead letters by reason. */
  readonly dead: Readonly<Record<string, number>>;
  /** Of dead letters of one case: the field that is named. */
  readonly field?: string;
};

/** Stands in every hostile name, so that a test can look for it where agents' words must not be. */
export const MARK = 'evilmark';
export const HOSTILE_NAMES = [
  `${MARK}\u001b[2J\u001b]0;owned\u0007`,
  `${MARK}\r\n{"level":30,"msg":"forged"}`,
  `${MARK}'); DROP TABLE events; --`,
  `${MARK}\\'\\" OR 1=1 /*`,
  `${MARK}"} 1\nforged_metric{a="b"} 2`,
  `${MARK}\u0000\u0001\u007f\u0085`,
  `${MARK}\u202egnp.exe\u2066\u2028`,
  `{${MARK}:String}`,
  `${MARK}{{7*7}}\${jndi:ldap://x}<script>alert(1)</script>`,
  `${MARK}${'\u0301'.repeat(500)}`,
  `../../${MARK}/%00%0d%0a`,
  '__proto__',
  'constructor',
  'toString',
] as const;

let serial = 0;

/** The smallest event there is, with an id of its own, and whatever else a test wants in it. */
export function eventInput(now_ms: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { id: `hostile-${serial++}`, time: now_ms, identity: { id: 'plain' }, session: 's', ...more };
}

/** Every case of the issue that fits into one request. */
export function hostileInputs(now_ms: number): readonly HostileInput[] {
  const event = (more?: Readonly<Record<string, unknown>>): string => JSON.stringify(eventInput(now_ms, more));
  const refused = (name: string, reason: string, values: readonly string[], field?: string): HostileInput => ({
    ...{ name, body: lines(values), accepted: 0, dead: { [reason]: values.length } },
    ...(field === undefined ? {} : { field }),
  });
  const taken = (name: string, values: readonly string[]): HostileInput => ({
    ...{ name, body: lines(values), accepted: values.length, dead: {} },
  });
  const size = (value: unknown): string => event({ volume: { bytes_out: value } });
  const time = (value: unknown): string => event({ time: value });
  const prefix = event().slice(0, -1);
  return [
    { name: 'blank lines', body: Buffer.from('\n \r\n\t\n'), accepted: 0, dead: {} },
    refused('no JSON', 'not_json', ['hello', '<xml/>', '{"id":', "{'id':1}", `${event()} tail`, 'NaN']),
    refused('no object', 'not_an_object', ['null', '1e999', '"text"', 'true', '-0']),
    refused('wrong types', 'schema_mismatch', [event({ identity: 'bob' }), event({ identity: 7 })], 'identity'),
    refused('no identity', 'format_unknown', [event({ identity: undefined })]),
    refused('identity without id', 'schema_mismatch', [event({ identity: { name: 'x' } })], 'identity.id'),
    refused('absurd sizes', 'schema_mismatch', [-1, 1e300, '12', null, 2 ** 51].map(size), 'volume.bytes_out'),
    refused('infinite size', 'schema_mismatch', [`${prefix},"volume":{"records":1e999}}`], 'volume.records'),
    refused('times of another age', 'time_out_of_range', [0, -1, 1_700_000_000, 4_102_444_800_001].map(time), 'time'),
    refused('years of another age', 'time_out_of_range', ['1970-01-01T00:00:00Z', '2100-01-01T00:00:01Z'].map(time)),
    refused('no time', 'time_invalid', ['yesterday', '2026-13-40T99:99:99Z', {}, true].map(time), 'time'),
    refused('a megabyte and more', 'item_too_large', [event({ pad: 'x'.repeat(5_000_000) })]),
    refused('deep', 'too_deep', [`${prefix},"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`]),
    refused('deep and open', 'not_json', ['{"a":'.repeat(100_000)]),
    {
      name: 'bytes that are no text',
      body: Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xfe, 0xc0, 0x80]), Buffer.from('"}\n')]),
      accepted: 0,
      dead: { invalid_utf8: 1 },
    },
    refused('control characters in an id', 'schema_mismatch', [event({ id: 'a\u0000b' })], 'id'),
    refused('a forged line in an id', 'schema_mismatch', [event({ identity: { id: 'a\r\nb' } })], 'identity.id'),
    taken(
      'hostile names',
      HOSTILE_NAMES.map((name) => event(everywhere(name))),
    ),
    taken('polluting keys', [
      `${prefix},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"x":{"__proto__":{"y":1}}}`,
    ]),
    taken('an unknown field of half a megabyte', [event({ pad: 'x'.repeat(500_000) })]),
    taken('more resources than an event holds', [event({ resources: Array(20_000).fill({ id: 'r' }) })]),
    {
      name: 'a list that breaks off',
      body: Buffer.from(`[${event()},${event()},{"id":`),
      accepted: 2,
      dead: { truncated_input: 1 },
    },
  ];
}

/** The same free name in every place that takes one. */
function everywhere(name: string): Record<string, unknown> {
  return {
    identity: { id: 'named', name, owner: name, version: name },
    tool: { name, server: name, version: name },
    resource: { id: name, store: name, kind: name, classification: name.slice(0, 64) },
    action: { operation: 'read', name },
    ...{ purpose: name, model: name, on_behalf_of: name, [name]: name },
    credential: { id: name, kind: name },
    source: { ip: name, network: name, workload: name },
  };
}

/** Files that only a file can be: cut, empty, or no text at all. */
export function hostileFiles(now_ms: number): readonly HostileInput[] {
  const events = Array.from({ length: 50 }, (_, i) => JSON.stringify(eventInput(now_ms, { purpose: `p${i}` })));
  const packed = gzipSync(lines(events));
  return [
    { name: 'empty', body: Buffer.alloc(0), accepted: 0, dead: {} },
    { name: 'whole.gz', body: packed, accepted: events.length, dead: {} },
    { name: 'head-of-a-gzip.gz', body: packed.subarray(0, 10), accepted: 0, dead: { truncated_input: 1 } },
    {
      name: 'damaged.gz',
      body: Buffer.concat([packed.subarray(0, 10), Buffer.alloc(64, 0xff)]),
      accepted: 0,
      dead: { truncated_input: 1 },
    },
    { name: 'binary', body: Buffer.alloc(5_000, 0x80), accepted: 0, dead: { invalid_utf8: 1 } },
    { name: 'zeros', body: Buffer.alloc(10_000_000), accepted: 0, dead: { item_too_large: 1 } },
  ];
}

export function lines(values: readonly string[]): Buffer {
  return Buffer.from(values.map((value) => `${value}\n`).join(''));
}
