import { createHash } from 'node:crypto';
import type { Gap, GapResume } from '../../schemas/gap.ts';

/** Where a stage works: at most one gap of a place is unclosed. */
export type GapPlace = Pick<Gap, 'stage' | 'topic' | 'partition'>;

/**
 * What a stage needs to stop at a gap and to learn how to go on. Carried by the control log; stages know only this. What
 * writes rejects with `LogUnavailable`, and is then to be repeated; nothing waits for the responder.
 *
 * Order: report, wait for the decision, move the stage's position durably, tell that it is closed. After a crash in
 * between, the same gap is found again and still has its decision, or it is not found and `working` closes it. So the
 * evidence of a gap is what the stage holds, not what the log holds by now.
 */
export type GapPort = {
  /** Tells of a gap. Telling it again changes nothing. Resolves once it is durable. */
  report(gap: Gap): Promise<void>;
  /** What was decided about this very gap, also once it is closed; undefined while nobody has. */
  decision(id: string): GapResume | undefined;
  /** Resolves after the next change of any decision, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Tells that the stage has gone on at this offset. */
  closed(id: string, resumed_at: number): Promise<void>;
  /**
   * A gap of this place that was found with this very evidence, is not closed, and can no longer be seen in the log
   * (`HIDDEN_BY_GROWTH`): a stage that finds none by itself asks for it, and stands still at it like at any other.
   */
  hidden(place: GapPlace, evidence: GapEvidence): Gap | undefined;
  /**
   * Tells that the stage works at this place, from this offset on, without a gap: what is still unclosed there is closed.
   * Writes nothing when there is none.
   */
  working(place: GapPlace, offset: number): Promise<void>;
};

/** What tells a gap from the next one of the same kind and place. */
export type GapEvidence = readonly (string | number)[];

/** The reason of a gap that can no longer be seen once the log, which has lost its tail, has grown again. */
export const HIDDEN_BY_GROWTH = 'offset_beyond_log';

/** A gap with the id that follows from it. */
export function gapOf(gap: Omit<Gap, 'id'>, evidence: GapEvidence): Gap {
  const { stage, topic, partition, reason } = gap;
  const text = JSON.stringify([stage, topic, partition, reason, ...evidence]);
  return { ...gap, id: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}
