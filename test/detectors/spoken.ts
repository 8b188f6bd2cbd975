import { Context } from '../../detectors/context.ts';
import type { ScoreInput } from '../../detectors/contract.ts';
import type { Explanation } from '../../detectors/detector.ts';
import { DETECTORS } from '../../detectors/ensemble.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { accessOf, type EventSketch, event, Fleet, MONDAY, ordinarySession, seeded } from './fleet.ts';

/**
 * What the detectors say, the sentences of each pattern, with every number and name masked: the words are promised to stay, the
 * numbers follow the statistics. `node test/detectors/spoken.ts > test/detectors/spoken.txt` writes them anew after a
 * change of words that is meant.
 */
export function spoken(): Map<string, Set<string>> {
  const said = new Map<string, Set<string>>();
  const fleet = worked();
  for (const scene of SCENES) {
    const trace = fleet.model.newSession();
    for (const one of scene) {
      const input = fleet.input(one, trace);
      fleet.model.advance(input.state, fleet.log_ms, false);
      const score = fleet.model.score(input);
      for (const { pattern, sentence } of explanations(input)) {
        // Which of the running totals is the most surprising is a matter of numbers.
        const key = pattern.replace(/^volume_(minute|hour|day|session)$/, 'volume_window');
        said.set(key, (said.get(key) ?? new Set()).add(masked(sentence)));
      }
      fleet.model.observe(input, score);
    }
  }
  return said;
}

/** A pattern a line, its sentences below it. */
export function written(said: ReadonlyMap<string, ReadonlySet<string>>): string {
  const patterns = [...said].sort(([a], [b]) => (a < b ? -1 : 1));
  return patterns.map(([pattern, sentences]) => `${[pattern, ...[...sentences].sort()].join('\n  ')}\n`).join('');
}

/** What `written` wrote. */
export function readSpoken(text: string): Map<string, Set<string>> {
  const blocks = text.split(/\n(?! )/).filter((block) => block !== '');
  return new Map(
    blocks.map((block) => {
      const [pattern = '', ...sentences] = block.split('\n  ');
      return [pattern, new Set(sentences)];
    }),
  );
}

/** Of every detector that has something to say, also where the model would leave it out. */
function explanations(input: ScoreInput): Explanation[] {
  const context = new Context();
  context.read(input);
  return DETECTORS.flatMap((detector) => {
    const bits = Math.fround(detector.score(context));
    return bits === 0 ? [] : [detector.explain(context, bits)];
  });
}

export function masked(sentence: string): string {
  return sentence
    .replaceAll(/\b(read_customer|post_reply|export_report|run_shell|write_draft)\b/g, 'TOOL')
    .replaceAll(/\b(customer|vip|report|ticket|host|draft|copy)-\d+\b/g, 'RESOURCE')
    .replaceAll(/\bone (minute|hour|day|session)\b/g, 'one SPAN')
    .replaceAll(/\b\d{1,3}(\.\d{1,3}){3}(\/\d+)?/g, 'ADDRESS')
    .replaceAll(/\b(once|twice|[\d,.]*\d times)\b/g, 'N times')
    .replaceAll(/(less than )?\d[\d,.]* %/g, 'N %')
    .replaceAll(/\d[\d,.]* (bytes?|[kMGTP]B)\b/g, 'SIZE')
    .replaceAll(/(?<![\w"-])\d[\d,.]*\d|(?<![\w"-])\d/g, 'N')
    .replaceAll(/\bN (event|call|session|time|minute|return|record|resource)s?\b/g, 'N $1s')
    .replaceAll(/\bN (distinct resource|learned (?:event|call|session)|surprising call)s?\b/g, 'N $1s');
}

const DAYS = 14;
const LATER = MONDAY + DAYS * UNITS.DAY_MS;
const ME = { identity: 'agent-1', group: 'support', ...accessOf('agent-1') };
const read: EventSketch = {
  ...ME,
  tool: 'read_customer',
  server: 'crm-server',
  resources: [{ id: 'customer-1', store: 'crm', classification: 'internal' }],
  volume: { bytes_in: 30, bytes_out: 2_500, records: 1 },
};

/** Two weeks of ordinary work, and a few things done once or twice. */
function worked(): Fleet {
  const fleet = new Fleet();
  const random = seeded(5);
  for (let day = 0; day < DAYS; day++) {
    for (let i = 0; i < 12; i++) {
      for (let n = 0; n < 4; n++) {
        const time = MONDAY + day * UNITS.DAY_MS + i * 40 * UNITS.MINUTE_MS + n * 1000;
        fleet.session(ordinarySession(random, time, `agent-${n}`, 'support'));
      }
    }
    const evening = MONDAY + day * UNITS.DAY_MS + 9 * UNITS.HOUR_MS;
    if (day === 4) for (const session of rareDay(evening)) fleet.session(session);
    for (let i = 0; i < 5; i++) fleet.session([draft(day * 5 + i, 'drive', evening + i * UNITS.MINUTE_MS)]);
    fleet.adoptPrior();
  }
  return fleet;
}

const rareDay = (time: number): CanonicalEvent[][] => [
  [event({ ...read, time }), event({ ...ME, ...rare, time: time + 1000 })],
  [event({ ...read, time: time + 2000, credential: { id: 'spare-token', kind: 'api_key' } })],
  [event({ ...read, ...copy, time: time + 3000 })],
];
const copy: EventSketch = { tool: 'post_reply', operation: 'store', resources: [{ id: 'copy-1', store: 'crm' }] };

/** Somebody to whom every resource is new, and no store. */
const draft = (n: number, store: string, time: number): CanonicalEvent =>
  event({
    ...accessOf('writer'),
    identity: 'writer',
    group: 'writers',
    time,
    tool: 'write_draft',
    operation: 'store',
    resources: [{ id: `draft-${n}`, store }],
  });
const rare: EventSketch = {
  tool: 'export_report',
  server: 'report-server',
  operation: 'export',
  resources: [{ id: 'report-1', store: 'reports', classification: 'confidential' }],
  source: { ip: '10.9.9.9', network: 'office', workload: 'laptop' },
  credential: { id: 'spare-token', kind: 'api_key' },
  volume: { bytes_in: 100, bytes_out: 4_000, records: 2 },
};

const series = (count: number, step_ms: number, sketch: (i: number) => EventSketch, from = LATER): CanonicalEvent[] =>
  Array.from({ length: count }, (_, i) => event({ ...read, ...sketch(i), time: from + i * step_ms }));

const HOURS = UNITS.HOUR_MS;
const nextDay = (days: number): number => LATER + days * UNITS.DAY_MS;

/** Each a session of its own, in order of time. */
const SCENES: readonly (readonly CanonicalEvent[])[] = [
  [event({ ...read, time: LATER }), event({ ...ME, ...rare, time: LATER + 1000 })],
  [event({ ...read, ...rare, resources: [{ id: 'report-2', store: 'reports' }], time: LATER + 9000 })],
  [event({ ...read, time: LATER + 10_000, tool: 'post_reply', operation: 'store', resources: ['ticket-1'] })],
  [
    event({ ...read, time: LATER + HOURS }),
    event({
      ...read,
      time: LATER + HOURS + 1000,
      tool: 'run_shell',
      server: 'shell-server',
      operation: 'execute',
      resources: [{ id: 'host-9', store: 'fleet', classification: 'restricted' }],
      volume: { bytes_in: 90_000, bytes_out: 10 },
    }),
  ],
  [event({ ...read, ...copy, time: LATER + HOURS + 3000 })],
  [event({ ...read, server: 'new-server', time: LATER + HOURS + 4000 })],
  [draft(999, 'vault', LATER + HOURS + 4500)],
  ...['restricted', 'confidential'].map((classification) =>
    series(1, 1000, () => ({ resources: [{ id: 'customer-1', store: 'crm', classification }] }), LATER + HOURS + 5000),
  ),
  [
    event({
      ...read,
      time: LATER + HOURS + 9000,
      resources: [{ id: 'vip-1', store: 'vault', classification: 'secret' }],
    }),
  ],
  [event({ ...read, time: LATER + HOURS + 12_000, volume: { bytes_in: 90_000, bytes_out: 8e7, records: 4_000 } })],
  series(12, 1000, (i) => ({ outcome: i < 1 || i > 3 ? 'denied' : 'ok' }), LATER + 2 * HOURS),
  series(12, 1000, (i) => ({ outcome: i < 1 || i > 3 ? 'error' : 'ok' }), LATER + 3 * HOURS),
  series(80, 500, (i) => ({ resources: [{ id: `vip-${i}`, store: 'crm' }] }), LATER + 4 * HOURS),
  series(300, 20_000, () => ({ volume: { bytes_out: 900_000, records: 90 } }), LATER + 5 * HOURS),
  series(300, 20_000, () => ({ volume: { bytes_in: 900_000 } }), nextDay(1)),
  ...[2, 3, 4, 5, 6].map((day) => series(9, 1000, () => ({ volume: { bytes_out: 40_000 } }), nextDay(day))),
  series(1, 1000, () => ({ source: { ip: '203.0.113.9', network: 'internet', workload: 'shell' } }), nextDay(7)),
  series(1, 1000, () => ({ source: { ip: '203.0.113.9' } }), nextDay(7) + HOURS),
  series(1, 1000, () => ({ source: { workload: 'shell' } }), nextDay(7) + 2 * HOURS),
  series(1, 1000, () => ({ source: { ip: '10.9.9.9' } }), nextDay(7) + 3 * HOURS),
  series(1, 1000, () => ({ source: { workload: 'laptop' } }), nextDay(7) + 3 * HOURS + 1000),
  series(1, 1000, () => ({ source: { network: 'office' } }), nextDay(7) + 3 * HOURS + 2000),
  series(1, 1000, () => ({ credential: { id: 'stolen', kind: 'service_account' } }), nextDay(7) + 4 * HOURS),
  series(
    1,
    1000,
    () => ({ credential: { id: 'spare-token', kind: 'service_account' } }),
    nextDay(7) + 4 * HOURS + 1000,
  ),
  series(1, 1000, () => ({ credential: accessOf('agent-2').credential }), nextDay(7) + 4 * HOURS + 2000),
  series(1, 1000, () => ({ credential: { id: 'token-agent-1', kind: 'password' } }), nextDay(7) + 5 * HOURS),
  series(1, 1000, () => ({ credential: { id: 'token-agent-1', kind: 'api_key' } }), nextDay(7) + 5 * HOURS + 1000),
  series(
    9,
    30_000,
    (i) => (i % 2 === 0 ? {} : { source: { ip: '203.0.113.9', network: 'internet' } }),
    nextDay(7) + 6 * HOURS,
  ),
  series(1, 1000, () => ({}), nextDay(8) + 15 * HOURS),
  [event({ ...read, identity: 'newcomer', time: nextDay(9), tool: 'run_shell', operation: 'execute' })],
  series(60, 500, () => ({ identity: 'newcomer', volume: { bytes_out: 9e6, bytes_in: 9e5 } }), nextDay(9) + HOURS),
];

if (import.meta.main) process.stdout.write(written(spoken()));
