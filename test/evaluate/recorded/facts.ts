/** How a recorded stream is run: as it is, without peers, or with hijacked sessions among those that teach. */
export const VARIANTS = ['as_shipped', 'without_peers', 'poisoned'] as const;
export type Variant = (typeof VARIANTS)[number];

/** The files of one recorded stream. */
export type Stream = {
  readonly name: string;
  /** What the referee calls the stream: the path that the names of its files begin with. */
  readonly prefix: string;
  readonly events: string;
  readonly session_labels: string;
};

export type RecordedJob = {
  readonly kind: 'recorded';
  readonly stream: Stream;
  readonly mapping: string;
  readonly variant: Variant;
  /** Directory that gets the scores. */
  readonly out: string;
};

export type RecordedFacts = {
  readonly stream: Stream;
  readonly variant: Variant;
  readonly events: number;
  readonly identity_days: number;
  readonly alerts: number;
  /** Baseline sessions that were replaced by hijacked ones. */
  readonly poisoned_sessions: number;
  /** For the referee: every event's score, and 1 for each event that an alert rests on. */
  readonly scores: string;
  readonly alerted: string;
};
