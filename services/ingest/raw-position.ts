import { z } from 'zod';
import type { Gap } from '../../schemas/gap.ts';
import type { PartitionBounds, Topic, TopicInfo } from '../platform/event-log.ts';
import { gapOf } from '../platform/gaps.ts';

/**
 * How far a raw partition is worked off, as it stands in the log under `ingest.<topic>.<partition>`, written in the same
 * write as what was made of the records.
 */
const RawPosition = z.object({
  /** Of the topic: offsets of another generation mean nothing. */
  generation: z.string(),
  /** Offset of the first record that is not worked off. */
  next: z.int().min(0),
  /** Recorded sources: their clock after the record before `next`, epoch milliseconds. */
  clock: z.int().optional(),
  /** `agent.audit.spans`: where the memory of what is settled begins, for what is live and for each recording. */
  memory: z
    .array(
      z.object({
        recorded: z.boolean(),
        source: z.string().optional(),
        from: z.int().min(0),
        come: z.number(),
        passed: z.number(),
        live: z.number(),
        now: z.number(),
      }),
    )
    .optional(),
});
export type RawPosition = z.infer<typeof RawPosition>;

export type RawPlace = { readonly topic: Topic; readonly partition: number };

export function positionName({ topic, partition }: RawPlace): string {
  return `ingest.${topic}.${partition}`;
}

/** Undefined when the text is no position. */
export function parsePosition(text: string): RawPosition | undefined {
  try {
    return RawPosition.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Offset of the first record that is still of use. */
export function firstNeeded({ next, memory = [] }: RawPosition): number {
  return Math.min(next, ...memory.map(({ from }) => from));
}

export type Found = {
  readonly position: string | undefined;
  readonly info: TopicInfo;
  readonly bounds: PartitionBounds;
};
export type Start = { readonly kind: 'start'; readonly at: RawPosition } | { readonly kind: 'gap'; readonly gap: Gap };

/**
 * Where a partition is taken up: at its position, or with the oldest record that is there when it never had one. Whatever
 * would skip records or read some twice is a gap.
 */
export function startOf(place: RawPlace, { position, info, bounds }: Found): Start {
  if (position === undefined) return { kind: 'start', at: { generation: info.generation, next: bounds.start } };
  const at = parsePosition(position);
  if (at === undefined) {
    const message = `the position ${positionName(place)} cannot be read; decide whether to begin with the oldest or behind the newest record`;
    return gap(place, 'position_unreadable', message, [position]);
  }
  const { generation, next } = at;
  const first = firstNeeded(at);
  if (generation !== info.generation) {
    const message = `the topic was made anew; what the old one held from offset ${next} on was not read`;
    return gap(place, 'generation_changed', message, [generation, next]);
  }
  if (next < bounds.start) {
    const lost = bounds.start - next;
    const message = `the log begins at offset ${bounds.start}, and ${next} was to be read next: at most ${lost} records were deleted unread; keep the topic for longer`;
    return gap(place, 'offset_before_log', message, [generation, next], lost);
  }
  if (first < bounds.start) {
    const message = `the log begins at offset ${bounds.start}, and what waits at ${next} may stand from ${first} on: keep the topic for longer`;
    return gap(place, 'offset_before_log', message, [generation, next]);
  }
  if (next > bounds.end) {
    const message = `the log ends at offset ${bounds.end}, and ${next} was to be read next: it lost its tail, and offsets are given anew`;
    return gap(place, 'offset_beyond_log', message, [generation, next]);
  }
  return { kind: 'start', at };
}

function gap(
  { topic, partition }: RawPlace,
  reason: string,
  message: string,
  evidence: readonly (string | number)[],
  lost?: number,
): Start {
  const found = {
    stage: 'ingest',
    topic,
    partition,
    reason,
    message,
    ...(lost === undefined ? {} : { lost }),
  } as const;
  return { kind: 'gap', gap: gapOf(found, evidence) };
}
