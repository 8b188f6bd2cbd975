import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report, StoryReport } from '../evaluate.ts';
import { htmlOf } from './html.ts';
import { markdownOf } from './markdown.ts';
import { tablesOf } from './tables.ts';

const TITLE = 'Evaluation of the detectors';

/** Leaves `report.md`, `report.html` and `report.json` in the directory. The same report gives the same bytes. */
export function writeReport(report: Report, directory: string): void {
  mkdirSync(directory, { recursive: true });
  const tables = tablesOf(report);
  const intro = introOf(report.stories);
  writeFileSync(join(directory, 'report.md'), markdownOf(TITLE, intro, tables));
  writeFileSync(join(directory, 'report.html'), htmlOf(TITLE, intro, tables, report));
  writeFileSync(join(directory, 'report.json'), `${JSON.stringify(withoutPictures(report), null, 2)}\n`);
}

/** The figures, without the hours that the pictures are made of. */
export function withoutPictures({ stories, recorded }: Report): unknown {
  if (stories === undefined) return { recorded };
  const { pictures: _pictures, ...figures } = stories;
  return { stories: figures, recorded };
}

function introOf(stories: StoryReport | undefined): string[] {
  if (stories === undefined) return ['Recorded streams only.'];
  const { plan, events, left_out } = stories;
  const missing = Object.entries(left_out).map(([story, fleets]) => `${story} in ${fleets}`);
  return [
    `Simulated fleets of ${plan.identities} identities over ${plan.days} days, of which the first half is learned and the ` +
      `second judged; ${plan.seeds} ${plan.seeds === 1 ? 'seed' : 'seeds'}, up to ${plan.attacks_a_fleet} attacks a fleet on agents of their own, every ` +
      `look-alike in each; ${plan.quiet_fleets} quiet ${plan.quiet_fleets === 1 ? 'fleet' : 'fleets'} of other seeds; ` +
      `${events.toLocaleString('en-US')} events in all (${plan.name}).`,
    ...(missing.length === 0 ? [] : [`Fleets without an agent that fits a story: ${missing.join(', ')}.`]),
  ];
}
