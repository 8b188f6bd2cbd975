import type { GroupState, Model, Prior, ScoreInput, SessionTrace } from '../../detectors/contract.ts';
import type { StateRef } from '../../detectors/state.ts';

/**
 * A model whose every answer depends on everything it was ever told, and on the order: scores are hashes of event, state,
 * session and prior. Whatever a crash loses, repeats or reorders shows as other scores, other alerts, other blobs.
 */
type Trace = { bits_max: number; events: number; digest: number };
type FakeGroup = { sessions: number; digest: number };
type FakePrior = Prior & { readonly digest: number };

const HOUR_MS = 3_600_000;
const LATENESS_MS = 600_000;
/** Words of the state: sessions learned, digest of them, open hour + 1, its total, digest of closed hours; see below. */
const LEARNED = 0;
const DIGEST = 1;
const HOUR = 2;
const TOTAL = 3;
const CLOSED = 4;
/** Hour + 1 of the last event, of the log's clock; whether its silence was told. */
const HEARD = 5;
const TOLD = 6;
const SILENT_HOURS = 3;

export function mix(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ b;
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  return (h ^ (h >>> 12)) >>> 0;
}

export function digestOf(text: string): number {
  let h = 7;
  for (let i = 0; i < text.length; i++) h = mix(h, text.charCodeAt(i));
  return h;
}

const word = (state: StateRef, at: number): number => state.u32[state.at + at]!;
const set = (state: StateRef, at: number, value: number): void => {
  state.u32[state.at + at] = value;
};
const encode = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const decode = <T>(bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T;

export function fakeModel(): Model {
  return {
    detectors: [
      { name: 'fake_usage', family: 'tool_usage' },
      { name: 'fake_volume', family: 'data_volume' },
    ],
    rules_version: 1,
    layout_version: 1,
    words: 7,
    apart: () => undefined,
    initial: () => {},
    upgrade: () => {
      throw new RangeError('the fake model has one layout');
    },
    newSession: () => ({ bits_max: 0, events: 0, digest: 1 }) as SessionTrace,
    score(input) {
      const parts = [DIGEST, TOTAL].map((at) => bitsOf(surprise(input, word(input.state, at))));
      return { bits: Math.max(...parts), parts };
    },
    weigh: (_input, parts) => Math.max(...parts),
    observe(input, score) {
      const trace = input.session as Trace;
      trace.bits_max = Math.max(trace.bits_max, score.bits);
      trace.events++;
      trace.digest = mix(trace.digest, digestOf(input.event.key));
      const now = Math.floor(input.log_ms / HOUR_MS) + 1;
      if (now > word(input.state, HEARD)) {
        set(input.state, HEARD, now);
        set(input.state, TOLD, 0);
      }
      if (!input.in_window) return;
      const hour = Math.floor(input.event.time / HOUR_MS) + 1;
      if (word(input.state, HOUR) === 0) set(input.state, HOUR, hour);
      set(input.state, TOTAL, mix(word(input.state, TOTAL), digestOf(input.event.key)));
    },
    explain: (_input, score, bits_min) =>
      score.parts.flatMap((bits, i) =>
        bits < bits_min
          ? []
          : [
              {
                detector: i === 0 ? 'fake_usage' : 'fake_volume',
                family: i === 0 ? ('tool_usage' as const) : ('data_volume' as const),
                pattern: `p${Math.floor(bits) % 3}`,
                probability: 2 ** -bits,
                bits,
                observed: { name: 'x', value: bits },
                expected: { name: 'x', value: 0 },
                history: { events: 0, sessions: 0, days: 0, maturity: 'learning' as const, basis: 'identity' as const },
                sentence: 'a fake surprise',
              },
            ],
      ),
    contributions: (_input, score) =>
      score.parts.map((bits, i) => ({ detector: i === 0 ? 'fake_usage' : 'fake_volume', bits, share: 0.5 })),
    learn(state, session, group) {
      const { digest } = session as Trace;
      set(state, LEARNED, word(state, LEARNED) + 1);
      set(state, DIGEST, mix(word(state, DIGEST), digest));
      const taught = group as FakeGroup;
      taught.sessions++;
      taught.digest = mix(taught.digest, digest);
    },
    advance(state, log_ms, held) {
      const hour = word(state, HOUR);
      if (hour === 0) return undefined;
      const due = hour * HOUR_MS + LATENESS_MS;
      if (log_ms < due) return due;
      if (!held) set(state, CLOSED, mix(word(state, CLOSED), word(state, TOTAL)));
      set(state, HOUR, 0);
      set(state, TOTAL, 0);
      return undefined;
    },
    relearn(state, touches, log_ms) {
      set(state, DIGEST, mix(word(state, DIGEST), digestOf(`${touches.join()}@${log_ms}`)));
    },
    touchedBy: (touches) => (touches.includes('tools') ? ['fake_usage'] : ['fake_volume']),
    silence: {
      heard: (state) => word(state, HEARD),
      restart(state) {
        set(state, HEARD, 0);
        set(state, TOLD, 0);
      },
      look(state, log_ms, bits_min, away) {
        const heard = word(state, HEARD);
        const nothing = { draft: undefined, due: undefined };
        if (heard === 0 || word(state, TOLD) === 1) return nothing;
        // How long it may be silent depends on all that was learned.
        const hours = SILENT_HOURS + (word(state, DIGEST) % 5) + away.length;
        const due = (heard + hours) * HOUR_MS;
        if (log_ms < due) return { draft: undefined, due };
        set(state, TOLD, 1);
        return { draft: { ...SILENT, bits: bits_min, probability: 2 ** -bits_min }, due: undefined };
      },
    },
    encodeSession: encode,
    decodeSession: (bytes) => decode<Trace>(bytes),
    newGroup: () => ({ sessions: 0, digest: 3 }) as GroupState,
    encodeGroup: encode,
    decodeGroup: (bytes) => decode<FakeGroup>(bytes),
    emptyPrior: () => priorOf('', 0),
    buildPrior: (groups) => {
      const all = [...groups].map(([name, states]) => {
        const digests = (states as readonly FakeGroup[]).map((g) => g.digest).sort((a, b) => a - b);
        return `${name}:${digests.join()}`;
      });
      return encode({ digest: digestOf(all.sort().join(';')) });
    },
    openPrior: (bytes, version) => priorOf(version, decode<{ digest: number }>(bytes).digest),
    profile: (state) => ({
      events: 0,
      sessions: word(state, LEARNED),
      first_ms: 0,
      last_ms: 0,
      maturity: 'learning',
      relearning: [],
      baselines: [],
    }),
  };
}

const SILENT = {
  detector: 'fake_silence',
  family: 'silence' as const,
  pattern: 'gone_silent',
  observed: { name: 'x', value: 1 },
  expected: { name: 'x', value: 0 },
  history: { events: 0, sessions: 0, days: 0, maturity: 'learning' as const, basis: 'identity' as const },
  sentence: 'a fake silence',
};

function priorOf(version: string, digest: number): FakePrior {
  const thresholdsAt = (budget: number) => ({ finding_bits: budget < 10 ? 11 : 8, alert_bits: budget < 10 ? 12 : 8 });
  return {
    version,
    finding_bits: 8,
    alert_bits: 11,
    thresholdsAt,
    reachedPer1000: (bits) => 1000 / (1 + bits),
    digest,
  };
}

function surprise(input: ScoreInput, own: number): number {
  const trace = input.session as Trace;
  const prior = (input.prior as FakePrior).digest;
  return mix(mix(mix(mix(own, word(input.state, CLOSED)), trace.digest), prior), digestOf(input.event.key));
}

/** One event in 16 is a finding, one in 48 an alert of its own. */
function bitsOf(hash: number): number {
  return hash % 16 === 0 ? 8 + ((hash >>> 8) % 9) / 2 : (hash % 700) / 100;
}
