/** How much each mode of the benchmark does. */
export type Size = {
  readonly identities: number;
  readonly days: number;
  /** First events of the fleet: they make the baselines and the prior that the others are judged against. */
  readonly history_events: number;
  /** The events after them: what is measured. */
  readonly events: number;
  /** Measured rounds of decode, score and store, after one round that only warms up. */
  readonly rounds: number;
  readonly road_rounds: number;
  readonly latency_alerts: number;
  readonly memory_identities: number;
};

export const MODES = {
  full: {
    identities: 1_000,
    days: 7,
    history_events: 200_000,
    events: 120_000,
    rounds: 5,
    road_rounds: 3,
    latency_alerts: 300,
    memory_identities: 100_000,
  },
  quick: {
    identities: 400,
    days: 7,
    history_events: 50_000,
    events: 40_000,
    rounds: 2,
    road_rounds: 1,
    latency_alerts: 100,
    memory_identities: 20_000,
  },
  /** For the smoke test: everything runs, no figure means anything. */
  tiny: {
    identities: 40,
    days: 3,
    history_events: 1_500,
    events: 1_500,
    rounds: 1,
    road_rounds: 1,
    latency_alerts: 5,
    memory_identities: 500,
  },
} as const satisfies Readonly<Record<string, Size>>;

export type Mode = keyof typeof MODES;
