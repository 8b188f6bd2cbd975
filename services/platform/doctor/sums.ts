import { TOPICS } from '../event-log.ts';
import { type Check, type DetectFacts, type Facts, fail, type LogFacts, ok, warn } from './facts.ts';
import { notLookedAt } from './storage.ts';
import { total } from './words.ts';

/** Kinds of records that detect counts: together they are all it has applied. */
const RECORD_KINDS = ['event', 'tick', 'cut', 'prior', 'verdict', 'directive', 'alias', 'poison'] as const;
const LOST = 'records are missing or counted twice: keep the data directory as it is, and report it';

/** Promise P1 at the entrance: every item received has become exactly one of accepted, absorbed, held, dead-lettered. */
export function checkReceived({ log }: Facts): Check {
  if (log.opened !== 'yes') return notLookedAt('sums_received', 'the log could not be opened');
  const sum = (name: string): number => log.counters.get(`ingest.${name}`) ?? 0;
  const [received, accepted, absorbed, dead] = [
    sum('received'),
    sum('accepted'),
    sum('absorbed'),
    sum('dead_lettered'),
  ];
  const held = sum('held') - sum('settled');
  const detail = `${received} received = ${accepted} accepted + ${absorbed} absorbed + ${held} held + ${dead} dead-lettered`;
  if (received !== accepted + absorbed + held + dead)
    return fail('sums_received', `it is not true that ${detail}`, LOST);
  const by_reason = total(
    [...log.counters].filter(([name]) => name.startsWith('ingest.dead.')).map(([, count]) => count),
  );
  if (by_reason !== dead) {
    return fail('sums_received', `${dead} dead letters, but ${by_reason} by their reasons`, LOST);
  }
  const stored = total(log.streams.filter(({ topic }) => topic === TOPICS.dead).map(({ end }) => end));
  if (stored < dead) return fail('sums_received', `${dead} dead letters counted, ${stored} ever in the log`, LOST);
  return ok('sums_received', detail);
}

/** Promise P1 between ingest and detect: every record in the log is applied or in flight, and applied once. */
export function checkApplied({ log, detect }: Facts): Check {
  if (log.opened !== 'yes') return notLookedAt('sums_applied', 'the log could not be opened');
  if (detect === undefined) {
    return warn('sums_applied', 'not looked at: the store is in use', 'ask the service: GET /v1/status shows its sums');
  }
  for (const partition of detect) {
    const wrong = checkPartition(log, partition);
    if (wrong !== undefined) return wrong;
  }
  const count = (kind: string): number => total(detect.map(({ counters }) => counters[kind] ?? 0));
  const appended = total(log.streams.filter(({ topic }) => topic === TOPICS.events).map(({ end }) => end));
  const applied = total(detect.map(({ next_offset }) => next_offset));
  const accepted = log.counters.get('ingest.accepted') ?? 0;
  const [events, in_flight, lost] = [count('event'), appended - applied, count('gap.lost')];
  const unit = log.kind === 'kafka' ? 'offsets' : 'records';
  const detail =
    `${appended} ${unit} in the log = ${applied} applied + ${in_flight} in flight; ${events} events applied = ` +
    `${count('accepted')} scored + ${count('duplicate')} redelivered`;
  // What was accepted and not applied is in flight, beside ticks and decisions, could not be read, or was given up at a gap.
  if (events > accepted || accepted - events > in_flight + count('poison') + lost) {
    return fail('sums_applied', `${accepted} events accepted, ${events} applied, ${in_flight} records in flight`, LOST);
  }
  return ok('sums_applied', detail);
}

function checkPartition(
  log: LogFacts,
  { partition, generation, next_offset, counters }: DetectFacts,
): Check | undefined {
  if (generation !== log.generation) {
    const detail = `partition ${partition} was applied from log ${generation}, this is log ${log.generation}`;
    return fail('sums_applied', detail, 'log and store are not of the same time: restore both from the same backup');
  }
  const counted = total(RECORD_KINDS.map((kind) => counters[kind] ?? 0));
  // Behind an accepted gap offsets are no counts any more, and on Kafka they never are, but only ever too large.
  const wrong = log.kind === 'kafka' ? counted > next_offset : counted !== next_offset;
  if (wrong && (counters['gap.accepted'] ?? 0) === 0) {
    return fail('sums_applied', `partition ${partition}: ${next_offset} applied, ${counted} counted`, LOST);
  }
  const { event = 0, accepted = 0, duplicate = 0 } = counters;
  if (event === accepted + duplicate) return undefined;
  const detail = `partition ${partition}: ${event} events, but ${accepted} scored + ${duplicate} redelivered`;
  return fail('sums_applied', detail, LOST);
}
