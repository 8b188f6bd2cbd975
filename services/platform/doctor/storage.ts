import { LIMITS, UNITS } from '../../../schemas/limits.ts';
import { TOPICS } from '../event-log.ts';
import { type Check, type Facts, fail, type LogFacts, ok, type StreamFact, type Unopened, warn } from './facts.ts';
import { bytesText, timeText, total } from './words.ts';

/** The log's append time may be ahead of this machine's clock by so much before somebody should look. */
const CLOCK_BACK_MS = UNITS.MINUTE_MS;

export function checkLog({ log }: Facts): Check {
  if (log.opened !== 'yes') return unopened('log', log);
  const wrong = log.streams.filter(({ start, end }) => start < 0 || end < start);
  if (wrong.length > 0) {
    const { topic, partition, start, end } = wrong[0] as StreamFact;
    return fail('log', `${topic}/${partition} begins at ${start} and ends at ${end}`, 'restore it from a backup');
  }
  if (log.damage !== undefined && log.damage.length > 0) {
    const detail = `the file is damaged: ${log.damage[0]}${log.damage.length > 1 ? ` and ${log.damage.length - 1} more` : ''}`;
    return fail('log', detail, 'stop the service, check the disk, restore the data directory from a backup');
  }
  const records = total(log.streams.map(({ start, end }) => end - start));
  if (log.kind === 'kafka') return ok('log', `Kafka, ${log.streams.length} partitions, ${records} offsets in use`);
  const looked = log.damage === undefined ? 'integrity not checked' : 'sound';
  return ok('log', `${records} records, ${bytesText(log.size_bytes ?? 0)}, ${looked}`);
}

/** Every consumer's offset lies inside the log, and not far behind its end. */
export function checkConsumers({ log, detect }: Facts): Check {
  if (log.opened !== 'yes') return notLookedAt('consumers', 'the log could not be opened');
  const readers = [
    ...log.consumers,
    ...(detect ?? []).map(({ partition, next_offset }) => ({
      name: 'detect',
      topic: TOPICS.events,
      partition,
      next_offset,
    })),
  ];
  let lag_max = 0;
  for (const { name, topic, partition, next_offset } of readers) {
    const stream = log.streams.find((one) => one.topic === topic && one.partition === partition);
    const where = `${name} stands at ${topic}/${partition} ${next_offset}`;
    if (stream === undefined) return fail('consumers', `${where}, which the log does not have`, RESTORE);
    if (next_offset < stream.start) {
      const detail = `${where}, the log begins at ${stream.start}: ${stream.start - next_offset} records are gone`;
      return fail('consumers', detail, 'this is a gap; decide on it before the service goes on');
    }
    if (next_offset > stream.end) return fail('consumers', `${where}, the log ends at ${stream.end}`, RESTORE);
    lag_max = Math.max(lag_max, stream.end - next_offset);
  }
  const detail = `${readers.length} consumers, ${lag_max} records behind at most`;
  if (lag_max <= LIMITS.ready_lag_records_max) return ok('consumers', detail);
  return warn('consumers', detail, 'let the service run and catch up; if it does not, look at its log lines');
}

const RESTORE = 'log and store are not of the same time: restore both from the same backup';

export function checkStore({ store }: Facts): Check {
  if (store.opened !== 'yes') return unopened('store', store);
  const rows = total(store.tables.map((table) => table.rows));
  const bytes = total(store.tables.map((table) => table.bytes));
  const detail = `${store.kind}, ${store.tables.length} tables, ${rows} rows, ${bytesText(bytes)}`;
  if (store.migrations_pending === 0) return ok('store', detail);
  const pending = `${detail}, ${store.migrations_pending} migrations to come`;
  return warn('store', pending, 'start the service: it applies them');
}

/** Time that goes backwards stops the log's clock; event times ahead of it are kept out of windows. */
export function checkClock({ now_ms, log, store }: Facts): Check {
  const appended = log.opened === 'yes' ? newestAppend(log) : 0;
  if (appended > now_ms + CLOCK_BACK_MS) {
    const detail = `the newest record was appended at ${timeText(appended)}, this machine says ${timeText(now_ms)}`;
    return fail('clock', detail, 'correct the clock of this machine (NTP): until it catches up, the log stands still');
  }
  const event = store.opened === 'yes' ? store.newest_event_ms : undefined;
  if (event !== undefined && event > now_ms + LIMITS.future_ms) {
    const detail = `the newest event says ${timeText(event)}, this machine says ${timeText(now_ms)}`;
    return warn('clock', detail, 'correct the clock of this machine or of the source: such events count in no window');
  }
  return ok('clock', timeText(now_ms));
}

function newestAppend(log: LogFacts): number {
  return log.streams.reduce((newest, { append_ms }) => Math.max(newest, append_ms), 0);
}

function unopened(check: string, { opened, code, message }: Unopened): Check {
  if (opened === 'held') return ok(check, 'in use by the running service');
  if (opened === 'absent') return warn(check, 'does not exist yet', 'start the service once');
  const why = `cannot be opened${code === undefined ? '' : ` (${code})`}`;
  return fail(check, why, message ?? 'see docs/errors.md');
}

export function notLookedAt(check: string, why: string): Check {
  return warn(check, `not looked at: ${why}`, 'correct that first, then run doctor again');
}
