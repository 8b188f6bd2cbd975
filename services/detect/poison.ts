import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { TOPICS } from '../platform/event-log.ts';
import type { Decoded } from './decode.ts';

/** A record that is passed by: kept with its original bytes, and never in the way of the next. */
export function passedBy(
  raw: { readonly offset: number; readonly append_ms: number; readonly value: Buffer },
  partition: number,
  why: Pick<DeadLetter, 'reason' | 'message'>,
): Decoded {
  const { offset, append_ms, value } = raw;
  const letter: DeadLetter = {
    ...why,
    origin: TOPICS.events,
    position: `${TOPICS.events}/${partition}/${offset}`,
    length: value.length,
    bytes: value.subarray(0, LIMITS.dead_letter_bytes_max).toString('base64'),
    time: append_ms,
  };
  return { offset, log_ms: append_ms, recorded: false, record: { partition, offset, letter } };
}
