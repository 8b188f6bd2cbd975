import { LogUnavailable, OffsetOutOfRange, PositionConflict } from '../platform/event-log.ts';

/**
 * True for what passes by itself once position and bounds are read again: the log was not available, somebody else
 * moved the position, or retention moved the start. Everything else is a defect.
 */
export function isPassing(error: unknown): error is LogUnavailable | OffsetOutOfRange | PositionConflict {
  return error instanceof LogUnavailable || error instanceof PositionConflict || error instanceof OffsetOutOfRange;
}
