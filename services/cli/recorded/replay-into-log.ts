import { awaitPrior, requestPrior } from '../../detect/priors.ts';
import { storiesProgress } from '../../detect/stories/run.ts';
import { committedName } from '../../detect/writer.ts';
import { appendReplay } from '../../ingest/append-replay.ts';
import type { ReplayStep } from '../../ingest/replay.ts';
import type { Ingest } from '../../ingest/submit.ts';
import type { Sums } from '../../ingest/tally.ts';
import type { Clock } from '../../platform/clock.ts';
import { type EventLog, TOPICS } from '../../platform/event-log.ts';
import { createCutPolicy } from './cut-policy.ts';

/**
 * A recording, appended to the log on its own clock. Whoever runs detect on that log, this process or another, takes it
 * from there; all that passes between the two is in the log. A replay that was cut short is simply run again: events that
 * are there already are recognised as redelivered, priors that were adopted are not adopted again.
 */
export type ReplaySeams = {
  readonly log: EventLog;
  readonly ingest: Pick<Ingest, 'append'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

const POLL_MS = 50;

export type ReplayProgress = { readonly bytes_read: number; readonly sums: Sums };

export async function replayIntoLog(
  seams: ReplaySeams,
  steps: AsyncIterable<ReplayStep>,
  onProgress: (progress: ReplayProgress) => void,
): Promise<Sums> {
  const { log, ingest, clock, signal } = seams;
  const cuts = createCutPolicy();
  const recording = { id: undefined as string | undefined };
  let accepted = 0;
  return appendReplay(ingest, identified(steps, recording, signal), {
    onProgress(progress) {
      cuts.add(progress.sums.accepted - accepted);
      accepted = progress.sums.accepted;
      onProgress(progress);
    },
    async onCut(at_ms) {
      if (!cuts.take(at_ms) || recording.id === undefined) return;
      const name = `replay.cut.${recording.id}`;
      const version = `replay-${recording.id}-${at_ms}`;
      const done = await log.position(name);
      if (done === undefined || Number(done) < at_ms) {
        const request = { version, at: at_ms };
        while (!(await requestPrior(log, request, [{ name, position: String(at_ms) }]))) {
          if (signal.aborted) return;
          await clock.sleep(POLL_MS, signal);
        }
      }
      // A replay that was cut short may have asked and not waited: what follows stands behind the prior all the same.
      await awaitPrior(log, clock, version, signal);
    },
  });
}

/** A recording is known by its first event, wherever the file lies. */
async function* identified(
  steps: AsyncIterable<ReplayStep>,
  recording: { id: string | undefined },
  signal: AbortSignal,
): AsyncGenerator<ReplayStep> {
  for await (const step of steps) {
    if (signal.aborted) return;
    if (step.kind === 'records' && recording.id === undefined) {
      const first = step.decided.find((decided) => decided.kind === 'accepted');
      recording.id = first?.kind === 'accepted' ? first.event.key.slice(0, 16) : undefined;
    }
    yield step;
  }
}

/** Resolves once everything that stands in the log now is durable in the store; false when the signal aborts first. */
export async function awaitDetect(log: EventLog, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const { partitions } = await log.describe(TOPICS.events);
  for (let partition = 0; partition < partitions; partition++) {
    const { end } = await log.bounds(TOPICS.events, partition);
    while (Number((await log.position(committedName(partition))) ?? 0) < end) {
      if (signal.aborted) return false;
      await clock.sleep(POLL_MS, signal);
    }
  }
  return true;
}

/**
 * Resolves once stories were made of everything that detect has handed on so far; false when the signal aborts first. To be
 * asked after `awaitDetect`.
 */
export async function awaitStories(log: EventLog, clock: Clock, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const { next_offset, end_offset } = await storiesProgress(log);
    if (next_offset >= end_offset) return true;
    if (signal.aborted) return false;
    await clock.sleep(POLL_MS, signal);
  }
}
