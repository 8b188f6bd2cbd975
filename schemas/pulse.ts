import { z } from 'zod';

/** A span of hours of the log's clock, each as hours since the epoch plus 1: from inclusive, to exclusive. */
export const Hours = z.object({ from: z.number(), to: z.number() });
export type Hours = z.infer<typeof Hours>;

/** Events of about the last day of activity, and those that are not all they should be. */
const Tallies = z.object({ events: z.number(), late: z.number(), unresolved: z.number(), unsized: z.number() });
export type Tallies = z.infer<typeof Tallies>;

/** How a source or a peer group is heard of, hour by hour (detectors/silence/source.ts). JSON holds it exactly. */
const Pulse = z.object({
  /** Hour that is being counted, plus 1; 0 before any. */
  hour: z.number(),
  /** Bitmap of the identities heard of in it. */
  marks: z.array(z.number()),
  /** By hour of the week: mean number of identities, in 256ths, and hours seen. */
  means: z.array(z.number()),
  seen: z.array(z.number()),
  /** Cumulative sum in nats, and the hour in which it left 0. */
  sum: z.number(),
  since: z.number(),
  /** Spans of hours in which it was silent, or nobody watched, in order; the current one excluded. */
  spans: z.array(Hours),
  /** Identities heard of in each of the last hours before the one that is being counted, the newest last. */
  heard: z.array(z.number()).default([]),
  tallies: Tallies,
  /** Event time of the newest event, no later than when it came; 0 before any, and in manifests of older releases. */
  newest: z.number().default(0),
});
export type Pulse = z.infer<typeof Pulse>;

export const PULSE_KINDS = ['source', 'peer_group'] as const;
export type PulseKind = (typeof PULSE_KINDS)[number];

/** `recorded`: on the clock of a recording. Live time and recorded time do not move each other. */
const NamedPulse = z.object({ of: z.enum(PULSE_KINDS), name: z.string(), recorded: z.boolean(), pulse: Pulse });
export type NamedPulse = z.infer<typeof NamedPulse>;

/** The pulses of one partition, and up to where its clocks have come. */
export const Pulses = z.object({
  passed: z.object({ live: z.number(), recorded: z.number() }),
  all: z.array(NamedPulse),
});
export type Pulses = z.infer<typeof Pulses>;
