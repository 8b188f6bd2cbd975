import { createHash } from 'node:crypto';
import type { Gap, GapResume } from '../../schemas/gap.ts';

/** What a stage needs to stop at a gap and to learn how to go on. Carried by the control log; stages know only this. */
export type GapPort = {
  /** Tells of a gap. Telling it again changes nothing. Resolves once it is durable. */
  report(gap: Gap): Promise<void>;
  /** What was decided about this very gap; undefined while nobody has. */
  decision(id: string): GapResume | undefined;
  /** Resolves after the next change of any decision, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Tells that the stage has gone on at this offset. */
  closed(id: string, resumed_at: number): Promise<void>;
};

/** A gap with the id that follows from it. `evidence` is what tells it from the next gap of the same kind and place. */
export function gapOf(gap: Omit<Gap, 'id'>, evidence: readonly (string | number)[]): Gap {
  const { stage, topic, partition, reason } = gap;
  const text = JSON.stringify([stage, topic, partition, reason, ...evidence]);
  return { ...gap, id: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}
