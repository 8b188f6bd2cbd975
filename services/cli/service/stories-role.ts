import { runStories } from '../../detect/stories/run.ts';
import { systemClock } from '../../platform/clock.ts';
import { TOPICS } from '../../platform/event-log.ts';
import type { GapPort } from '../../platform/gaps.ts';
import type { Foundation } from './foundation.ts';
import { holdOffice, type Office } from './office.ts';

/** Stories over several identities, joined by the one process that holds the office: what is handed on is little. */
export function startStories(foundation: Foundation, gaps: GapPort): Office {
  const { log, telemetry } = foundation;
  const work = (signal: AbortSignal): Promise<void> => joinStories(foundation, gaps, signal);
  return holdOffice({ name: 'stories', log, clock: systemClock, telemetry, topic: TOPICS.findings, work });
}

/** For who runs nothing beside it. */
export function joinStories({ log, store, telemetry }: Foundation, gaps: GapPort, signal: AbortSignal): Promise<void> {
  return runStories({ log, store, telemetry, clock: systemClock, gaps }, signal);
}
