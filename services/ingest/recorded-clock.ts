import { LIMITS } from '../../schemas/limits.ts';

/** Takes back what was pushed, in order, each with the recorded clock that it stands at. */
export type Settle<T> = (value: T, at_ms: number) => void;

export type RecordedClock<T> = {
  /** `time_ms` is undefined for what has no time of its own, such as a dead letter. */
  push(value: T, time_ms: number | undefined): void;
  /** No more will follow: settles what still waits. */
  end(): void;
};

/** Stands for "no clock yet" in what is settled before the first event. */
export const NO_CLOCK = 0;

/** What waits for a step to be confirmed, dead letters between the events included. */
const WAITING_MAX = 4 * LIMITS.replay_lookahead_events;

/**
 * The clock of a recording: the running maximum of its event times, epoch milliseconds, never going back.
 *
 * One event that is dated 2099 must not drag it along, while a weekend without events must not hold it up. So a step of
 * more than `replay_step_ms_max` waits for the `replay_lookahead_events` after it, and is taken when most of them are
 * no more than such a step behind it. Pure: the clocks are a function of the sequence of times and nothing else. A clock
 * that is made anew from where one stood when all before was settled goes on as that one would have.
 */
export function createRecordedClock<T>(settle: Settle<T>, from_ms: number = NO_CLOCK): RecordedClock<T> {
  let clock = from_ms === NO_CLOCK ? Number.NEGATIVE_INFINITY : from_ms;
  let ended = false;
  const waiting: { readonly value: T; readonly time_ms: number | undefined }[] = [];

  const settleWaiting = (): void => {
    let first = waiting[0];
    while (first !== undefined) {
      if (first.time_ms !== undefined && first.time_ms > clock + LIMITS.replay_step_ms_max) {
        const later = timesAfterFirst(waiting);
        const full = later.length >= LIMITS.replay_lookahead_events || waiting.length >= WAITING_MAX;
        if (!full && !ended) return;
        if (isConfirmed(first.time_ms, later)) clock = first.time_ms;
        else if (clock === Number.NEGATIVE_INFINITY) clock = Math.min(first.time_ms, ...later);
      }
      waiting.shift();
      settleAt(first.value, first.time_ms);
      first = waiting[0];
    }
  };

  const settleAt = (value: T, time_ms: number | undefined): void => {
    if (time_ms !== undefined && time_ms > clock && time_ms <= clock + LIMITS.replay_step_ms_max) clock = time_ms;
    settle(value, clock === Number.NEGATIVE_INFINITY ? NO_CLOCK : clock);
  };

  return {
    push(value, time_ms) {
      if (waiting.length === 0 && (time_ms === undefined || time_ms <= clock + LIMITS.replay_step_ms_max)) {
        return settleAt(value, time_ms);
      }
      waiting.push({ value, time_ms });
      settleWaiting();
    },
    end() {
      ended = true;
      settleWaiting();
    },
  };
}

function timesAfterFirst(waiting: readonly { readonly time_ms: number | undefined }[]): number[] {
  const times: number[] = [];
  for (let index = 1; index < waiting.length; index++) {
    const time_ms = waiting[index]?.time_ms;
    if (time_ms !== undefined) times.push(time_ms);
  }
  return times;
}

/** Most of what follows lies at the candidate, not far behind it. */
function isConfirmed(candidate_ms: number, later: readonly number[]): boolean {
  const near = later.filter((time_ms) => time_ms >= candidate_ms - LIMITS.replay_step_ms_max).length;
  return near * 2 > later.length;
}
