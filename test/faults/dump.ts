import { readFileSync, writeFileSync } from 'node:fs';
import { type ClickHouse, jsonRows } from '../../services/platform/clickhouse/connection.ts';

/**
 * All that detect made durable, as texts that two runs over the same log must agree on, whatever their batches were and
 * wherever they died. Repeats of a row are one row only where they are the same bytes, so a write that differs from the
 * one before it shows.
 */
export type Dump = {
  readonly events: readonly string[];
  readonly findings: readonly string[];
  readonly alerts: readonly string[];
  readonly poison: readonly string[];
  readonly blobs: readonly string[];
  readonly manifests: readonly string[];
  /** Version and bytes as base64, cuts among them. */
  readonly priors: readonly string[];
  /** Copies of the dead letters' topic: compared with the log. */
  readonly dead_letters: readonly string[];
  readonly control_copies: readonly string[];
  /** Rows of one version that differ from each other; none when all is well. */
  readonly contradictions: readonly string[];
};

const LETTER = 'topic, log_partition, log_offset, time, reason, message, field, origin, position, length, bytes';

const QUERIES: Readonly<Record<keyof Dump, string>> = {
  events: 'SELECT DISTINCT hex(key) AS event_key, * EXCEPT (stored, key) FROM events',
  // Stories over several identities are told in the order of a log of their own; their crashes are test/detect/stories.
  findings: `SELECT DISTINCT * EXCEPT (stored) FROM findings WHERE family != 'several_identities'`,
  alerts: `SELECT DISTINCT * EXCEPT (stored) FROM alerts WHERE NOT JSONHas(body, 'identities')`,
  poison: `SELECT DISTINCT ${LETTER} FROM dead_letters WHERE topic = 'agent.audit.events'`,
  // When a checkpoint came says nothing of what was learned, so the version is left out.
  blobs: `
    SELECT log_partition, hex(key) AS state, due, hex(bytes) AS bytes FROM state_blobs
    WHERE topic = 'agent.audit.events' ORDER BY version DESC LIMIT 1 BY topic, log_partition, key`,
  manifests: `
    SELECT body FROM manifests WHERE topic = 'agent.audit.events'
    ORDER BY next_offset DESC LIMIT 1 BY topic, log_partition`,
  priors: 'SELECT DISTINCT version, base64Encode(bytes) AS bytes FROM priors',
  dead_letters: `SELECT DISTINCT log_offset FROM dead_letters WHERE topic != 'agent.audit.events'`,
  control_copies: 'SELECT DISTINCT sequence, json FROM control_copies',
  contradictions: `
    SELECT 'blob' AS what, toString(log_partition) AS place, hex(key) AS name, toString(version) AS version
    FROM state_blobs GROUP BY topic, log_partition, key, version HAVING uniqExact(bytes, due) > 1
    UNION ALL SELECT 'manifest', toString(log_partition), '', toString(next_offset)
    FROM manifests GROUP BY topic, log_partition, next_offset HAVING uniqExact(body) > 1
    UNION ALL SELECT 'prior', '', version, '' FROM priors GROUP BY version HAVING uniqExact(bytes) > 1`,
};

export async function dumpStore(db: ClickHouse): Promise<Dump> {
  const dump: Record<string, string[]> = {};
  for (const [name, sql] of Object.entries(QUERIES)) {
    const rows = jsonRows(await db.read(`${sql} FORMAT JSONEachRow`));
    dump[name] = rows.map((row) => JSON.stringify(row)).sort();
  }
  return dump as unknown as Dump;
}

export const saveDump = (path: string, dump: Dump): void => writeFileSync(path, JSON.stringify(dump));
export const loadDump = (path: string): Dump => JSON.parse(readFileSync(path, 'utf8')) as Dump;

/** The bytes of every prior in a dump, by version. */
export function priorsOf(dump: Dump): Map<string, Buffer> {
  const rows = dump.priors.map((row) => JSON.parse(row) as { version: string; bytes: string });
  return new Map(rows.map(({ version, bytes }) => [version, Buffer.from(bytes, 'base64')]));
}
