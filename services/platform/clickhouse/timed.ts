import { Histogram } from 'prom-client';
import type { Telemetry } from '../telemetry.ts';
import type { ClickHouse } from './connection.ts';

const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60];

/** The same connection, with the seconds of every statement in a histogram by kind of statement and by outcome. */
export function timed(db: ClickHouse, telemetry: Telemetry): ClickHouse {
  const seconds = statementSeconds(telemetry);
  const measure = async <T>(statement: 'command' | 'read' | 'insert', run: () => Promise<T>): Promise<T> => {
    const stop = seconds.startTimer({ statement });
    try {
      const result = await run();
      stop({ outcome: 'ok' });
      return result;
    } catch (error) {
      stop({ outcome: 'error' });
      throw error;
    }
  };
  return {
    kind: db.kind,
    command: (sql, params) => measure('command', () => db.command(sql, params)),
    read: (sql, params, options) => measure('read', () => db.read(sql, params, options)),
    insert: (into, body) => measure('insert', () => db.insert(into, body)),
    close: () => db.close(),
  };
}

/** One histogram per registry, however often a store is opened on it. */
function statementSeconds(telemetry: Telemetry): Histogram {
  const existing = telemetry.registry.getSingleMetric('countersign_store_statement_seconds');
  if (existing instanceof Histogram) return existing;
  return telemetry.histogram('store_statement_seconds', 'seconds of statements against the store', BUCKETS_S, [
    'statement',
    'outcome',
  ]);
}
