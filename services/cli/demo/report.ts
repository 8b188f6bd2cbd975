import type { z } from 'zod';
import type { Alert } from '../../../schemas/alert.ts';
import type { AlertAnswer } from '../../../schemas/api/alerts.ts';
import type { ContainmentView } from '../../../schemas/api/containments.ts';
import { invocation, quoted } from '../invocation.ts';
import { showAlert } from '../show/alert.ts';
import { showAlerts } from '../show/alerts.ts';
import { showContainments } from '../show/containment.ts';
import { heading, shortId } from '../show/words.ts';
import { counted, minute, printable, type Terminal, thousands } from '../terminal.ts';
import type { Told } from './fleet.ts';

export type Outcome = {
  readonly events: number;
  readonly identities: number;
  readonly alerts: number;
  readonly pending_containments: number;
  readonly dead_letters: number;
  readonly seconds: number;
};

/** Alerts shown in the table; the rest are one command away. */
const ALERTS_SHOWN = 20;
const CONTAINMENTS_SHOWN = 5;

const RANK = { low: 0, medium: 1, high: 2, critical: 3 } as const;

/** The alerts, most urgent first. */
export function reportAlerts(terminal: Terminal, outcome: Outcome, alerts: readonly Alert[]): void {
  const { events, identities, seconds } = outcome;
  terminal.line(
    `${thousands(events)} events of ${identities} agents, 24 days of work, scored and stored in ${seconds.toFixed(0)} seconds.`,
  );
  const shown = byUrgency(alerts).slice(0, ALERTS_SHOWN);
  const rest = alerts.length - shown.length;
  heading(terminal, `${counted(alerts.length, 'alert')}${rest > 0 ? `, the ${shown.length} most urgent` : ''}`);
  showAlerts(terminal, shown);
}

export function byUrgency(alerts: readonly Alert[]): Alert[] {
  return alerts.toSorted((a, b) => RANK[b.severity] - RANK[a.severity] || b.bits - a.bits);
}

/** What was hidden in the recording and what became of it: the demo knows the truth, detection does not. */
export function reportStories(terminal: Terminal, { stories, strays }: Told, alerts: number): void {
  const { style } = terminal;
  const row = ({ story, alerts: its }: Told['stories'][number], found: string, missed: string): string[] => [
    its.length > 0 ? found : missed,
    story.story,
    minute(story.first_time),
    its
      .map(({ uid }) => shortId(uid))
      .slice(0, 2)
      .join(' ') + (its.length > 2 ? ` +${its.length - 2}` : ''),
    printable(story.description, 160),
  ];
  const attacks = stories.filter(({ story }) => story.kind === 'attack');
  const benign = stories.filter(({ story }) => story.kind === 'benign');
  const found = attacks.filter((one) => one.alerts.length > 0).length;
  heading(terminal, `The stories behind them: ${found} of ${attacks.length} hidden attacks were found`);
  terminal.table(
    ['', 'attack', 'from (UTC)', 'alert', 'what happened'],
    attacks.map((one) => row(one, style('green', 'found'), style('red', 'missed'))),
    { flexible: 4 },
  );
  const quiet = benign.filter((one) => one.alerts.length === 0).length;
  heading(terminal, `Unusual but harmless: ${quiet} of ${benign.length} raised no alert`);
  terminal.table(
    ['', 'look-alike', 'from (UTC)', 'alert', 'what happened'],
    benign.map((one) => row(one, style('yellow', 'alert'), style('green', 'quiet'))),
    { flexible: 4 },
  );
  terminal.line();
  terminal.line(
    strays.length === 0
      ? 'Every alert belongs to a story.'
      : `${thousands(strays.length)} of ${counted(alerts, 'alert')} belong to no story: ordinary work that looked odd.`,
  );
}

export function reportOne(terminal: Terminal, answer: z.output<typeof AlertAnswer>): void {
  heading(terminal, 'One of them in full');
  terminal.line();
  showAlert(terminal, answer);
}

/** What waits for a human. */
export function reportContainments(terminal: Terminal, pending: readonly ContainmentView[]): void {
  heading(terminal, `${counted(pending.length, 'containment')} wait for approval; nothing runs without`);
  const shown = pending.toSorted((a, b) => RANK[b.terms.alert.severity] - RANK[a.terms.alert.severity]);
  showContainments(terminal, shown.slice(0, CONTAINMENTS_SHOWN));
}

/** Commands that work as they stand, in another terminal. */
export function reportCommands(
  terminal: Terminal,
  at: Readonly<Record<'url' | 'key_file' | 'password_file' | 'data' | 'directory', string>>,
  uses: { readonly alert: Alert | undefined; readonly containment: ContainmentView | undefined },
): void {
  const { line, style } = terminal;
  const self = invocation();
  heading(terminal, 'Look further, in another terminal');
  line(`  cd ${quoted(at.directory)}`);
  line(`  export COUNTERSIGN_URL=${at.url}`);
  line(`  export COUNTERSIGN_API_KEY="$(cat ${quoted(at.key_file)})"`);
  if (uses.containment !== undefined) line(`  export COUNTERSIGN_PASSWORD_FILE=${quoted(at.password_file)}`);
  const ways: (readonly [command: string, what: string])[] = [['alerts --severity critical,high', 'the list']];
  if (uses.alert !== undefined) {
    ways.push(
      [`alert ${shortId(uses.alert.uid)}`, 'one in full'],
      [`identity ${quoted(uses.alert.identity.id)}`, 'what is usual for it'],
      [`verdict ${shortId(uses.alert.uid)} true_positive`, 'judge it'],
    );
  }
  if (uses.containment !== undefined) {
    ways.push(
      [`approve ${shortId(uses.containment.id)}`, 'have it carried out'],
      [`deny ${shortId(uses.containment.id)}`, 'it never runs'],
    );
  }
  ways.push([`doctor --data ${quoted(at.data)}`, 'nothing lost, nothing counted twice']);
  for (const [command, what] of ways) {
    line(`  ${style('dim', `# ${what}`)}`);
    line(`  ${self} ${command}`);
  }
}
