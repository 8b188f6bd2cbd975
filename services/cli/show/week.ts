import type { BudgetReport } from '../recorded/week/budget.ts';
import { WEEKDAYS } from '../recorded/week/calendar.ts';
import type { GroupLine, IdentityLine, NoiseLine, OpenTimes, Week } from '../recorded/week/week.ts';
import { counted, minute, printable, type Terminal, thousands } from '../terminal.ts';
import { fact, heading } from './words.ts';

const WEEKS_SHOWN = 9;
const LINES_SHOWN = 10;

/** What the week of an analyst would have been, for people: numbers first, then where the alerts come from. */
export function showWeek(terminal: Terminal, week: Week): void {
  heading(terminal, "The analyst's week");
  for (const [label, value] of weekFacts(week)) fact(terminal, label, value);
  if (week.alerts === 0) return;
  showCalendar(terminal, week);
  showGroups(terminal, week.by_group);
  showIdentities(terminal, week.by_identity);
  showNoise(terminal, week.noise);
}

function weekFacts(week: Week): [string, string][] {
  const { alerts, by_day, by_weekday, learning, revisions } = week;
  const busiest = by_weekday.toSorted((a, b) => b.alerts_a_day - a.alerts_a_day)[0];
  const most = by_day.reduce((max, day) => Math.max(max, day.alerts), 0);
  const rhythm =
    alerts === 0 || busiest === undefined
      ? ''
      : `; most on ${busiest.weekday} (${busiest.alerts_a_day} a day), at most ${most} on one day`;
  const facts: [string, string][] = [
    ['alerts', `${counted(alerts, 'alert')} in ${counted(by_day.length, 'day')}: ${week.alerts_a_day} a day${rhythm}`],
    ['budget', budgetText(week.budget)],
  ];
  if (alerts === 0) return facts;
  return [
    facts[0] as [string, string],
    ['severity', severityList(week)],
    ['budget', budgetText(week.budget)],
    [
      'learning',
      `${thousands(learning.alerts)} of ${thousands(alerts)} (${percent(learning.share)}) on identities still learning`,
    ],
    ['open', openText(week.open)],
    ['revisions', `${thousands(revisions.all)} sent: ${revisions.per_alert} an alert, ${revisions.most} at most`],
  ];
}

export const severityList = ({ by_severity }: Pick<Week, 'by_severity'>): string =>
  Object.entries(by_severity)
    .map(([severity, count]) => `${thousands(count)} ${severity}`)
    .join(', ');

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** What was asked for against what came, and whether it can be judged. */
export function budgetText(budget: BudgetReport): string {
  const asked = `${budget.alerts_per_1000_identity_days} alerts per 1,000 identity-days`;
  const { own_thresholds_since: since, by_chance } = budget;
  if (since === null) return `${asked}: cannot be judged, the recording is too short for thresholds of the fleet's own`;
  const from = `since ${minute(Date.parse(since))}, when thresholds became the fleet's own,`;
  if (budget.met === null || budget.ratio === null) return `${asked}: nothing happened ${from.slice(0, -1)}`;
  const change = Math.round((budget.ratio - 1) * 100);
  const came = `${thousands(budget.came)} came for ${budget.asked} asked for (${change > 0 ? '+' : ''}${change} %)`;
  const within = budget.came >= by_chance[0] && budget.came <= by_chance[1];
  const chance = within ? ', which chance explains' : ', which is more than chance';
  const verdict = budget.met ? 'met within 25 %' : `not met within 25 %${chance} (${by_chance[0]} to ${by_chance[1]})`;
  return `${asked}: ${from} ${came}: ${verdict}`;
}

function openText({ closed, still_open, hours_median, hours_p90, hours_most, at_once_most }: OpenTimes): string {
  const left = `${thousands(still_open)} open at the end, ${thousands(at_once_most)} at once at most`;
  if (closed === 0) return left;
  return `${hoursText(hours_median)} in the median, ${hoursText(hours_p90)} for one in ten, ${hoursText(hours_most)} at most; ${left}`;
}

const hoursText = (hours: number | null): string =>
  hours === null ? '-' : hours >= 72 ? `${(hours / 24).toFixed(1)} d` : `${hours} h`;

/** Weeks as rows, Monday first: a blank is a day outside the recording. */
function showCalendar(terminal: Terminal, { by_day, by_week, by_weekday }: Week): void {
  heading(terminal, 'Alerts by day (UTC)');
  const at = new Map(by_day.map((day) => [day.date, day.alerts]));
  const rows = by_week.slice(-WEEKS_SHOWN).map(({ monday, alerts }) => {
    const start = Date.parse(monday);
    const days = WEEKDAYS.map((_, i) => at.get(new Date(start + i * 86_400_000).toISOString().slice(0, 10)));
    return [monday, ...days.map((count) => (count === undefined ? '' : number(count, 5))), number(alerts, 6)];
  });
  const means = by_weekday.map(({ days, alerts_a_day }) => (days === 0 ? '' : alerts_a_day.toFixed(1).padStart(5)));
  terminal.table(
    ['week of', ...WEEKDAYS.map((day) => day.padStart(5)), 'week'.padStart(6)],
    [...rows, ['mean', ...means, '']],
  );
  more(terminal, by_week.length - rows.length, 'earlier week');
}

function showGroups(terminal: Terminal, groups: readonly GroupLine[]): void {
  heading(terminal, 'By peer group');
  terminal.table(
    ['peer group', 'identities', 'identity-days', 'alerts', 'per 1,000'],
    groups
      .slice(0, LINES_SHOWN)
      .map(({ peer_group, identities, identity_days, alerts, alerts_per_1000_identity_days }) => [
        printable(peer_group, 48),
        number(identities, 10),
        number(identity_days, 13),
        number(alerts, 6),
        alerts_per_1000_identity_days.toFixed(1).padStart(9),
      ]),
  );
  more(terminal, groups.length - LINES_SHOWN, 'peer group');
}

function showIdentities(terminal: Terminal, identities: readonly IdentityLine[]): void {
  heading(terminal, `By identity, of ${counted(identities.length, 'identity', 'identities')} with an alert`);
  terminal.table(
    ['identity', 'peer group', 'days', 'alerts', 'mostly'],
    identities
      .slice(0, LINES_SHOWN)
      .map(({ identity, peer_group, days, alerts, mostly }) => [
        printable(identity, 36),
        printable(peer_group, 28),
        number(days, 4),
        number(alerts, 6),
        printable(mostly, 28),
      ]),
  );
  more(terminal, identities.length - LINES_SHOWN, 'identity', 'identities');
}

function showNoise(terminal: Terminal, noise: readonly NoiseLine[]): void {
  heading(terminal, 'What they were raised for, with an example');
  for (const { detector, pattern, alerts, identities, worst, examples } of noise.slice(0, LINES_SHOWN)) {
    const where =
      identities === 1 || worst.alerts === 1
        ? `on ${identities === 1 ? printable(worst.identity, 48) : counted(identities, 'identity', 'identities')}`
        : `on ${thousands(identities)} identities, ${thousands(worst.alerts)} of them on ${printable(worst.identity, 48)}`;
    terminal.line(`  ${number(alerts, 5)}  ${printable(pattern)} (${printable(detector)}), ${where}`);
    const example = examples[0];
    if (example !== undefined) terminal.paragraph(printable(example.sentence, 300), 9);
  }
  more(terminal, noise.length - LINES_SHOWN, 'reason');
}

function more(terminal: Terminal, count: number, one: string, many = `${one}s`): void {
  if (count > 0) terminal.line(terminal.style('dim', `and ${counted(count, one, many)} more, in summary.json`));
}

const number = (count: number, width: number): string => thousands(count).padStart(width);
