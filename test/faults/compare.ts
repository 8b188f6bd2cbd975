import { TOPICS } from '../../services/platform/event-log.ts';
import type { Manifest } from '../../services/platform/store.ts';
import type { Dump } from './dump.ts';
import type { LogFacts } from './log-facts.ts';
import type { Sent } from './traffic.ts';

/** Everything here gives sentences about what is wrong; none when the promises held. */
const SHOWN = 3;

/** What the uninterrupted run made of the same log, and what the faulty one made of it. */
export function compareDumps(uninterrupted: Dump, faulty: Dump): string[] {
  const found = [...compareSets('contradiction', [], faulty.contradictions)];
  for (const name of ['events', 'findings', 'alerts', 'poison', 'blobs', 'manifests', 'priors'] as const) {
    found.push(...compareSets(name, uninterrupted[name], faulty[name]));
  }
  return found;
}

function compareSets(what: string, expected: readonly string[], actual: readonly string[]): string[] {
  const [wanted, there] = [new Set(expected), new Set(actual)];
  const missing = expected.filter((row) => !there.has(row));
  const surplus = actual.filter((row) => !wanted.has(row));
  const tell = (rows: readonly string[], how: string): string[] =>
    rows.length === 0
      ? []
      : [
          `${what}: ${rows.length} ${how}: ${rows
            .slice(0, SHOWN)
            .map((row) => row.slice(0, 1500))
            .join('\n    ')}`,
        ];
  return [...tell(missing, 'missing'), ...tell(surplus, 'that should not be there')];
}

/** Promise P1, by the counters of the log, by the records in it, and by the rows of the store. */
export function checkSums(facts: LogFacts, dump: Dump, sent: Sent): string[] {
  const found: string[] = [];
  const equal = (what: string, a: number, b: number): void => {
    if (a !== b) found.push(`${what}: ${a} is not ${b}`);
  };
  const counter = (name: string): number => facts.counters.get(name) ?? 0;
  const parts = counter('ingest.accepted') + counter('ingest.absorbed') + counter('ingest.dead_lettered');
  equal(
    'received and what became of it',
    counter('ingest.received'),
    parts + counter('ingest.held') - counter('ingest.settled'),
  );
  const records = (type: string): number => facts.events.filter((event) => event.type === type).length;
  equal('raw records in the log and received', facts.raw, counter(`ingest.source.${TOPICS.raw}.received`));
  if (facts.raw < sent.raw) found.push(`${sent.raw} raw records sent, ${facts.raw} there`);
  equal('accepted and events in the log', counter('ingest.accepted'), records('event'));
  const manifests = dump.manifests.map((row) => JSON.parse((JSON.parse(row) as { body: string }).body) as Manifest);
  const applied = (name: string): number => manifests.reduce((sum, { counters }) => sum + (counters[name] ?? 0), 0);
  for (const type of ['event', 'tick', 'cut', 'prior', 'verdict', 'directive', 'poison']) {
    equal(`${type} records in the log and applied`, records(type), applied(type));
  }
  equal('events, and accepted and duplicate ones', applied('event'), applied('accepted') + applied('duplicate'));
  equal('accepted events and their rows', applied('accepted'), dump.events.length);
  equal('unreadable records and their rows', applied('poison'), dump.poison.length);
  if (records('poison') < sent.poison) found.push(`${sent.poison} unreadable records sent, ${records('poison')} there`);
  const rejected = facts.dead.filter(({ reason }) => reason !== 'store_refused').length;
  equal('dead letters counted and in the log', counter('ingest.dead_lettered'), rejected);
  found.push(
    ...compareSets(
      'copies of dead letters',
      facts.dead.map(({ offset }) => JSON.stringify({ log_offset: offset })).sort(),
      dump.dead_letters,
    ),
  );
  // The last checkpoint is signed as the responder stops, and copied at the next start.
  const uncopied = facts.control.slice(dump.control_copies.length);
  const signed = uncopied.filter(({ record }) => record.kind === 'checkpoint_signed').length;
  equal('control records and their copies', facts.control.length - signed, dump.control_copies.length);
  return [...found, ...checkAcknowledged(facts, sent)];
}

function checkAcknowledged({ events }: LogFacts, { acknowledged }: Sent): string[] {
  const there = new Set(events.map(({ id }) => id));
  const lost = [...acknowledged].filter((id) => !there.has(id));
  return lost.length === 0 ? [] : [`${lost.length} acknowledged events are lost: ${lost.slice(0, 10).join(' ')}`];
}

/** Alert records: one content for each revision, all of them in the feed, each there once and in order. */
export function checkAlerts(facts: LogFacts, uninterrupted: Dump): string[] {
  const rows = uninterrupted.alerts.map((row) => (JSON.parse(row) as { body: string }).body);
  const found = compareSets('alert records', rows.toSorted(), [...new Set(facts.alerts)].sort());
  found.push(...compareSets('the feed', rows.toSorted(), facts.feed));
  if (new Set(facts.feed).size !== facts.feed.length) found.push('the feed holds a record twice');
  const newest = new Map<string, number>();
  for (const json of facts.feed) {
    const { uid, revision } = JSON.parse(json) as { uid: string; revision: number };
    if (revision !== (newest.get(uid) ?? 0) + 1) found.push(`the feed has revision ${revision} of ${uid} out of turn`);
    newest.set(uid, revision);
  }
  return found;
}

/** Commands are decided once, and what they mean for detect stands in the log as often as they were decided. */
export function checkControl({ control, events }: LogFacts, sent: Sent): string[] {
  const found: string[] = [];
  const decided = new Set<string>();
  let verdicts = 0;
  let fences = 0;
  for (const { offset, record } of control) {
    if (record.kind === 'verdict_given') verdicts++;
    if (record.kind === 'responder_fence') fences++;
    if (record.kind !== 'command_outcome') continue;
    if (decided.has(record.command)) found.push(`command ${record.command} was decided twice, again at ${offset}`);
    decided.add(record.command);
  }
  const told = events.filter(({ type }) => type === 'verdict').length;
  if (told !== verdicts) found.push(`${verdicts} verdicts were given, ${told} stand in the events' log`);
  if (verdicts < sent.verdicts) found.push(`${sent.verdicts} verdicts were acknowledged, ${verdicts} were given`);
  if (fences === 0) found.push('no responder ever took office');
  return found;
}
