import { z } from 'zod';

const count = () => z.int().min(0);

const Became = {
  /** At once. */
  accepted: count(),
  absorbed: count(),
  /** Had to wait for their identity or their answer, whether or not they still do. */
  held: count(),
  dead_lettered: count(),
  dead_letter_reasons: z.record(z.string(), count()),
} as const;

/** A raw topic, `http`, another way in over HTTP, or `replay`. */
export const SourceView = z.object({
  source: z.string(),
  kind: z.enum(['topic', 'submitted', 'replay']),
  received: count(),
  ...Became,
  /** Items by the format that was found; `none` where none was. */
  formats: z.record(z.string(), count()),
});
export type SourceView = z.infer<typeof SourceView>;

export const FormatView = z.object({ format: z.string(), received: count(), ...Became });
export type FormatView = z.infer<typeof FormatView>;

/** What events may lack although detection would make use of it. */
export const MISSING = ['identity', 'agent', 'volume', 'resource', 'session', 'credential', 'peer_group'] as const;
export type Missing = (typeof MISSING)[number];

/** Stored events under one origin, which is part of their keys. */
export const OriginView = z.object({
  origin: z.string(),
  events: count(),
  /** About so many, exact as long as there are few. */
  identities: count(),
  unresolved_identities: count(),
  /** Event time of the newest, epoch milliseconds; absent without events. */
  last_event: z.int().optional(),
  /** When an event of it was stored last. */
  last_stored: z.int().optional(),
  /** Events that lack it. */
  missing: z.record(z.enum(MISSING), count()),
  dead_lettered: count(),
  dead_letter_reasons: z.record(z.string(), count()),
  last_dead_letter: z.int().optional(),
});
export type OriginView = z.infer<typeof OriginView>;

export const Advice = z.object({
  origin: z.string(),
  missing: z.enum(MISSING),
  /** Of the origin's events. */
  share: z.number().min(0).max(1),
  /** What detection cannot do without it. */
  effect: z.string(),
  remedy: z.string(),
});
export type Advice = z.infer<typeof Advice>;

export const SourcesAnswer = z.object({
  now: z.int(),
  /** Since the log was made. */
  sources: z.array(SourceView),
  formats: z.array(FormatView),
  /** How events came by their identity, since the log was made: `own` by themselves, others by how they were settled. */
  resolved: z.record(z.string(), count()),
  /** Items that wait for their identity or their answer now. */
  waiting: count(),
  /** What follows is about events and dead letters stored within so many days. */
  days: z.int(),
  /** Those with most events; `origins_omitted` says that there are others. */
  origins: z.array(OriginView),
  origins_omitted: z.boolean(),
  advice: z.array(Advice),
});
export type SourcesAnswer = z.infer<typeof SourcesAnswer>;
