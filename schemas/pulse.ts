/** A span of hours of the log's clock, each as hours since the epoch plus 1: from inclusive, to exclusive. */
export type Hours = { readonly from: number; readonly to: number };

/** Events of about the last day of activity, and those that are not all they should be. */
export type Tallies = { events: number; late: number; unresolved: number; unsized: number };

/** How a source or a peer group is heard of, hour by hour (detectors/silence/source.ts). JSON holds it exactly. */
export type Pulse = {
  /** Hour that is being counted, plus 1; 0 before any. */
  hour: number;
  /** Bitmap of the identities heard of in it. */
  marks: number[];
  /** By hour of the week: mean number of identities, in 256ths, and hours seen. */
  readonly means: number[];
  readonly seen: number[];
  /** Cumulative sum in nats, and the hour in which it left 0. */
  sum: number;
  since: number;
  /** Spans of hours in which it was silent, or nobody watched, in order; the current one excluded. */
  spans: Hours[];
  readonly tallies: Tallies;
};

export const PULSE_KINDS = ['source', 'peer_group'] as const;
export type PulseKind = (typeof PULSE_KINDS)[number];

/** `recorded`: on the clock of a recording. Live time and recorded time do not move each other. */
export type NamedPulse = {
  readonly of: PulseKind;
  readonly name: string;
  readonly recorded: boolean;
  readonly pulse: Pulse;
};

/** The pulses of one partition, and up to where its clocks have come. */
export type Pulses = {
  readonly passed: { readonly live: number; readonly recorded: number };
  readonly all: readonly NamedPulse[];
};
