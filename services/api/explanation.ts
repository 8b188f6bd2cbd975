import { bytes, count, duration, moment, name, percent, plural, times } from '../../detectors/sentences.ts';
import type { Alert } from '../../schemas/alert.ts';
import type {
  AlertHabit,
  Explanation,
  HabitVolume,
  NearestSession,
  SessionStep,
} from '../../schemas/api/explanation.ts';

/** What stands beside the data of an alert's page, in words: pure, and the same for the same data. */
export function explanationOf(
  alert: Alert,
  habit: AlertHabit | undefined,
  nearest: NearestSession | undefined,
): Explanation {
  return {
    since: sinceOf(alert),
    habit: habitOf(alert),
    normal: habit === undefined ? [] : normalOf(habit),
    nearest: nearestOf(alert, nearest),
  };
}

const ENDS: Readonly<Record<NonNullable<Alert['closed_reason']>, string>> = {
  quiet: 'Nothing has been found since.',
  resumed: 'The identity is heard of again.',
  true_positive: 'An analyst has judged it: true positive.',
  false_positive: 'An analyst has judged it: false positive.',
  expected_change: 'An analyst has judged it: expected change.',
};

function sinceOf({ first_time, last_time, finding_count, status, closed_reason }: Alert): string {
  const findings = plural(finding_count, 'finding', 'findings');
  const span =
    last_time > first_time
      ? `, ${findings} until ${moment(last_time)} (${duration(last_time - first_time)})`
      : `, ${findings}`;
  const end = status === 'open' ? 'It may still be going on.' : ENDS[closed_reason ?? 'quiet'];
  return `Since ${moment(first_time)}${span}. ${end}`;
}

/** How much the alert rests on, as of its strongest finding. */
function habitOf({ findings: [strongest] }: Alert): string {
  if (strongest === undefined) return 'Nothing is known of what it rests on.';
  const { events, sessions, days, maturity, since } = strongest.history;
  if (sessions === 0) return 'Nothing was learned of this identity before; what its peers do is the yardstick.';
  const from = since === undefined ? '' : ` since ${moment(since)}`;
  const known = `Known${from}: ${plural(events, 'event', 'events')} in ${plural(sessions, 'session', 'sessions')} over ${days.toFixed(1)} days.`;
  return maturity === 'mature' ? known : `${known} Still being learned; what its peers do counts as well.`;
}

function normalOf(habit: AlertHabit): string[] {
  if (habit.history.events === 0)
    return ['Nothing that it did in the 30 days before is stored, or all of it belongs to alerts.'];
  return [followingOf(habit), usesOf(habit), ...volumesOf(habit.volumes)];
}

const FOLLOWING_SHOWN = 3;

function followingOf({ tool, previous, following: { places, same, tools } }: AlertHabit): string {
  const where = previous === undefined ? 'At the beginning of a session' : `After ${name(previous)}`;
  if (places === 0) return `${where} it was never seen before.`;
  const others = tools.filter((one) => one.name !== tool).slice(0, FOLLOWING_SHOWN);
  const usual = others.map((one) => `${name(one.name)} (${percent(one.count / places)})`).join(', ');
  const here = same === 0 ? `never ${name(tool)}` : `${name(tool)} (${percent(same / places)})`;
  const seen = `${where} (${times(places)}) it`;
  if (others.length === 0) return `${seen} ${places === 1 ? '' : 'always '}called ${name(tool)}.`;
  return `${seen} called ${usual}, and ${here}.`;
}

function usesOf({ tool, history: { events, same_tool }, resources: { distinct, most_used } }: AlertHabit): string {
  if (same_tool === 0) return `It never used ${name(tool)} in ${plural(events, 'call', 'calls')} before.`;
  const uses = `It used ${name(tool)} in ${count(same_tool)} of ${plural(events, 'call', 'calls')} before`;
  const [most] = most_used;
  if (most === undefined) return `${uses}.`;
  const where = `${most.store === undefined ? '' : `${name(most.store)}/`}${name(most.id)}`;
  const often = most.count === 1 ? 'on none more than once' : `most often on ${where} (${times(most.count)})`;
  return `${uses}, on ${plural(distinct, 'resource', 'resources')}${distinct === 1 ? `, ${where}` : `, ${often}`}.`;
}

const VOLUMES_SHOWN = 3;
const WHAT = { bytes_out: 'moved out', records: 'handled', calls: 'made' } as const;

function amountOf(measure: HabitVolume['measure'], value: number): string {
  if (measure === 'bytes_out') return bytes(value);
  return measure === 'records' ? plural(value, 'record', 'records') : plural(value, 'call', 'calls');
}

/** Totals above the 95th percentile, the furthest above it first; one of each measure, or that there are none. */
function volumesOf(volumes: readonly HabitVolume[]): string[] {
  const above = volumes
    .filter(({ observed, high }) => observed > high)
    .sort((a, b) => b.observed / Math.max(1, b.high) - a.observed / Math.max(1, a.high));
  const measures = new Set<HabitVolume['measure']>();
  const shown = above.filter(({ measure }) => !measures.has(measure) && measures.add(measure) !== undefined);
  if (volumes.length > 0 && shown.length === 0) {
    return ['What it moved and how often it called is within the habit of its hours, days and sessions.'];
  }
  return shown.slice(0, VOLUMES_SHOWN).map(({ span, measure, observed, median, high }) => {
    const was = measure === 'bytes_out' ? bytes(observed) : amountOf(measure, observed);
    return `This ${span} ${was} ${observed === 1 ? 'was' : 'were'} ${WHAT[measure]}; the median ${span} has ${amountOf(measure, median)}, and 95 % of them at most ${amountOf(measure, high)}.`;
  });
}

const DIFFERENCES_SHOWN = 3;

function nearestOf({ sessions, identity }: Alert, nearest: NearestSession | undefined): string {
  if (nearest === undefined) {
    return sessions.length === 0
      ? 'The events name no session to compare.'
      : 'No session before has anything in common with it.';
  }
  const { whose, session, first_time, same, alerted_steps, only_alerted, only_past } = nearest;
  const of = whose === 'identity' ? '' : `, of its peer ${name(nearest.identity)}`;
  const alike = `Most like session ${name(session)} of ${moment(first_time)}${of}, which shares ${count(same)} of ${plural(alerted_steps, 'step', 'steps')}.`;
  const here = only_alerted.length === 0 ? '' : ` Only in the alerted one: ${stepsText(only_alerted)}.`;
  const there = only_past.length === 0 ? '' : ` Only in the other: ${stepsText(only_past)}.`;
  const none = whose === 'identity' ? '' : ` ${name(identity.name ?? identity.id)} has no like session of its own.`;
  return `${alike}${here}${there}${none}`;
}

function stepsText(steps: readonly SessionStep[]): string {
  const shown = steps.slice(0, DIFFERENCES_SHOWN).map(({ tool, store, resource, count: calls }) => {
    const what = resource ?? store;
    return `${name(tool)}${what === undefined ? '' : ` on ${name(what)}`}${calls > 1 ? ` (${times(calls)})` : ''}`;
  });
  return shown.join(', ') + (steps.length > shown.length ? ', and more' : '');
}
