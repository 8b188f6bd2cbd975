import type { Model } from '../../detectors/contract.ts';
import type { Gap, GapResume } from '../../schemas/gap.ts';
import { type EventLog, TOPICS } from '../platform/event-log.ts';
import type { GapPort } from '../platform/gaps.ts';
import type { DetectStore } from '../platform/store.ts';
import { manifestBehind } from './assign.ts';
import { type Patience, Stopped } from './patience.ts';

export type Found = {
  readonly gap: Gap;
  /** Of the manifest that stands before the gap; undefined when there is none. */
  readonly next_offset: number | undefined;
  /** Where 'start' asks for no jump: what has to be noted for it, and the place in the log. */
  readonly goOn?: { readonly at: number; note(): void };
};

export type Bridge = {
  readonly log: EventLog;
  readonly store: DetectStore;
  readonly gaps: GapPort;
  readonly model: Model;
  readonly patience: Patience;
  readonly signal: AbortSignal;
};

/**
 * Stands at a gap until it is decided, and makes the decision durable: then the partition is to be taken up again. A
 * process that dies on the way finds the same gap with the same decision, or a manifest that is behind it already.
 */
export async function bridgeGap(found: Found, on: Bridge): Promise<void> {
  const { gap, goOn } = found;
  const { gaps, patience, signal } = on;
  await patience.until('gap', () => gaps.report(gap));
  const resume = await decisionOn(gap, gaps, signal);
  if (goOn !== undefined && resume === 'start') {
    goOn.note();
    await patience.until('gap', () => gaps.closed(gap.id, goOn.at));
    return;
  }
  await jump(found, resume, on);
}

async function decisionOn({ id }: Gap, gaps: GapPort, signal: AbortSignal): Promise<GapResume> {
  for (;;) {
    if (signal.aborted) throw new Stopped();
    const resume = gaps.decision(id);
    if (resume !== undefined) return resume;
    await gaps.changed(signal);
  }
}

async function jump({ gap, next_offset }: Found, resume: GapResume, on: Bridge): Promise<void> {
  const { log, store, model, gaps, patience } = on;
  const { partition } = gap;
  const read = await patience.until('gap', async () => ({
    last: await store.readManifest(TOPICS.events, partition),
    info: await log.describe(TOPICS.events),
    bounds: await log.bounds(TOPICS.events, partition),
    highest: await store.highestOffset(TOPICS.events, partition),
  }));
  // Somebody else has carried it out.
  if (read.last?.next_offset !== next_offset) return;
  const { manifest, at } = manifestBehind(gap, { ...read, resume, model });
  await patience.until('gap', () => store.writeManifests([manifest]));
  await patience.until('gap', () => gaps.closed(gap.id, at));
}
