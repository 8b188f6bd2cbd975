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
   * Tells that the stage works at this place, from this offset on, without a gap: what is still unclosed there is closed.
   * Writes nothing when there is none.
   */
  working(place: GapPlace, offset: number): Promise<void>;
};

/** A gap with the id that follows from it. `evidence` is what tells it from the next gap of the same kind and place. */
export function gapOf(gap: Omit<Gap, 'id'>, evidence: readonly (string | number)[]): Gap {
  const { stage, topic, partition, reason } = gap;
  const text = JSON.stringify([stage, topic, partition, reason, ...evidence]);
  return { ...gap, id: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}
