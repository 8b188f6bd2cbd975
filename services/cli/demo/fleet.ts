import { readFileSync } from 'node:fs';
import type { Alert } from '../../../schemas/alert.ts';
import type { SimulationRequest } from '../../simulate/parameters.ts';

/** Attacks in full, so that they show; what is unusual but harmless as strong as usual. */
const STORIES = [
  'slow_exfiltration:1',
  'prompt_injection_hijack:1',
  'stolen_credential:1',
  'resource_sweep:1',
  'rogue_plugin:1',
  'volume_burst:1',
  'month_end_peak',
  'new_team_member',
  'retry_storm',
  'version_rollout',
];

/** About 70,000 events; the same in every demo. */
export const FLEET: SimulationRequest = {
  seed: 7,
  identities: 70,
  days: 24,
  start_ms: Date.UTC(2026, 2, 9),
  stories: STORIES,
};

/** The truth about one story of the recording, as far as the demo tells of it. */
export type Story = {
  readonly story: string;
  readonly kind: 'attack' | 'benign';
  readonly identity: string;
  readonly identities?: readonly string[];
  readonly event_ids: readonly string[];
  readonly events: number;
  readonly first_time: number;
  readonly last_time: number;
  readonly description: string;
};

export function readLabels(file: string): Story[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Story);
}

export type Told = {
  /** Each story with the alerts that name events of it as evidence, in the order of the stories. */
  readonly stories: readonly { readonly story: Story; readonly alerts: readonly Alert[] }[];
  /** Alerts whose evidence is of no story: ordinary work that looked odd. */
  readonly strays: readonly Alert[];
};

/**
 * Which story is behind which alert. An alert is of a story when its evidence holds events of it; of several, it is of
 * that with the most. Being about the same identity is not enough. A story without events is found by what is said of
 * its identity while it lasts.
 */
export function matchStories(stories: readonly Story[], alerts: readonly Alert[]): Told {
  const owner = new Map<string, Story>();
  for (const story of stories) for (const id of story.event_ids) owner.set(id, story);
  const found = new Map<Story, Alert[]>(stories.map((story) => [story, []]));
  const strays: Alert[] = [];
  for (const alert of alerts) {
    const story = storyOf(alert, owner) ?? stories.find((one) => one.events === 0 && isAbout(one, alert));
    if (story === undefined) strays.push(alert);
    else found.get(story)?.push(alert);
  }
  return { stories: [...found].map(([story, its]) => ({ story, alerts: its })), strays };
}

function storyOf(alert: Alert, owner: ReadonlyMap<string, Story>): Story | undefined {
  const counts = new Map<Story, number>();
  const ids = new Set([...alert.evidence, ...alert.findings.flatMap(({ evidence }) => evidence)].map(({ id }) => id));
  for (const id of ids) {
    const story = owner.get(id);
    if (story !== undefined) counts.set(story, (counts.get(story) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function isAbout({ identity, identities = [], first_time, last_time }: Story, alert: Alert): boolean {
  const about = identity === alert.identity.id || identities.includes(alert.identity.id);
  return about && alert.created >= first_time && alert.created <= last_time;
}
