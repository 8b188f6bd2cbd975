import type { StoryLabel } from '../../services/simulate/labels.ts';
import type { FleetFacts, StoryFacts } from './facts.ts';
import type { NotedAlert, NotedFinding } from './fleet/book.ts';

/** Hand-made truths, alerts and facts: each says only what the test is about. */

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;
/** The stories of these tests begin here. */
export const START = 100 * DAY;

export function label(change: Partial<StoryLabel> = {}): StoryLabel {
  const event_ids = change.event_ids ?? ['a', 'b', 'c'];
  return {
    story: 'volume_burst',
    kind: 'attack',
    intensity: 0.6,
    identity: 'agent',
    sessions: ['s'],
    event_ids,
    events: event_ids.length,
    first_time: START,
    last_time: START + 10 * MINUTE,
    description: 'a story',
    ...change,
  };
}

export function finding(ids: readonly string[], at_ms: number, change: Partial<NotedFinding> = {}): NotedFinding {
  return {
    ids,
    time: at_ms,
    log_time: at_ms,
    bits: 20,
    family: 'data_volume',
    detector: 'window_volume',
    pattern: 'volume_hour',
    sentence: 'much',
    ...change,
  };
}

export function alert(findings: readonly NotedFinding[], change: Partial<NotedAlert> = {}): NotedAlert {
  return { identity: 'agent', created: findings[0]?.log_time ?? START, findings: [...findings], bits: 0, ...change };
}

export function story(change: Partial<StoryFacts> = {}): StoryFacts {
  return {
    seed: 1,
    story: 'volume_burst',
    kind: 'attack',
    intensity: 0.6,
    events: 10,
    hit: undefined,
    peaks: [],
    picture: undefined,
    ...change,
  };
}

export function fleet(change: Partial<FleetFacts> = {}): FleetFacts {
  return {
    seed: 1,
    quiet: false,
    events: 0,
    learning_identity_days: 0,
    stories: [],
    alerts: [],
    days: [],
    left_out: [],
    ...change,
  };
}
