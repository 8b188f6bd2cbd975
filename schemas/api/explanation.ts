import { z } from 'zod';

const count = () => z.int().min(0);
const Counted = z.object({ name: z.string(), count: count() });

/** One total that an identity usually reaches in a span, and what it reached in the span of its alert. */
export const HabitVolume = z.object({
  span: z.enum(['hour', 'day', 'session']),
  measure: z.enum(['bytes_out', 'records', 'calls']),
  observed: z.number().min(0),
  /** Median and 95th percentile of the spans in which the identity acted, and how many those are. */
  median: z.number().min(0),
  high: z.number().min(0),
  known: count(),
});
export type HabitVolume = z.infer<typeof HabitVolume>;

/** What an identity usually does where the strongest event of its alert stands: of the 30 days before the alert. */
export const AlertHabit = z.object({
  /** Event times of the first and last event that was looked at, 0 where there is none. `same_tool`: calls of that tool. */
  history: z.object({ from: z.int(), to: z.int(), events: count(), sessions: count(), same_tool: count() }),
  /** Of the strongest event, and of the call before it in its session; absent where it is the first. */
  tool: z.string(),
  previous: z.string().optional(),
  /** How often the identity was at this place, how often it went on with this tool, and with which it usually does. */
  following: z.object({ places: count(), same: count(), tools: z.array(Counted) }),
  /** What the tool was used on. */
  resources: z.object({
    distinct: count(),
    most_used: z.array(z.object({ store: z.string().optional(), id: z.string(), count: count() })),
  }),
  volumes: z.array(HabitVolume),
});
export type AlertHabit = z.infer<typeof AlertHabit>;

/** Calls of one kind in a session: the same tool on the same store. The resource is that of the first of them. */
export const SessionStep = z.object({
  tool: z.string(),
  store: z.string().optional(),
  resource: z.string().optional(),
  count: count(),
});
export type SessionStep = z.infer<typeof SessionStep>;

/** The past session that is most like the alerted one, and what each of them has more of. */
export const NearestSession = z.object({
  whose: z.enum(['identity', 'peer_group']),
  identity: z.string(),
  session: z.string(),
  first_time: z.int(),
  last_time: z.int(),
  steps: count(),
  alerted_steps: count(),
  /** Steps that both have, and the weighted Jaccard index of the two. */
  same: count(),
  similarity: z.number().min(0).max(1),
  only_alerted: z.array(SessionStep),
  only_past: z.array(SessionStep),
});
export type NearestSession = z.infer<typeof NearestSession>;

/** The same in words that do not change from one version to the next without a note. */
export const Explanation = z.object({
  /** When it began, how long it went on, and whether it still does. */
  since: z.string(),
  /** Since when the habit is known, and how well. */
  habit: z.string(),
  normal: z.array(z.string()),
  nearest: z.string(),
});
export type Explanation = z.infer<typeof Explanation>;
