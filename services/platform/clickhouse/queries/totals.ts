import { z } from 'zod';
import type { ReadStore } from '../../store.ts';
import type { ClickHouse } from '../connection.ts';
import { ask } from './ask.ts';

type TotalReads = Pick<ReadStore, 'totals' | 'sizes'>;

const Totals = z.object({
  events: z.int(),
  identities: z.int(),
  findings: z.int(),
  alerts: z.int(),
  alert_revisions: z.int(),
  dead_letters: z.int(),
});

const Size = z.object({ table: z.string(), rows: z.int(), bytes: z.int() });

export function totalReads(db: ClickHouse): TotalReads {
  return {
    async totals() {
      const sql = `
        SELECT events, identities, findings, alerts, alert_revisions, dead_letters
        FROM (SELECT count() AS events, uniqExact(tenant, identity) AS identities FROM events FINAL) AS e,
          (SELECT count() AS findings FROM findings FINAL) AS f,
          (SELECT uniqExact(uid) AS alerts, uniqExact(uid, revision) AS alert_revisions FROM alerts) AS a,
          (SELECT count() AS dead_letters FROM dead_letters FINAL) AS d
       `;
      return Totals.parse((await ask(db, sql))[0]);
    },
    async sizes() {
      const sql = `
        SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts
        WHERE active AND database = currentDatabase() GROUP BY table ORDER BY bytes DESC, table`;
      return (await ask(db, sql))
        .map((row) => Size.parse(row))
        .map((size) => ({ ...size, bytes_per_row: size.rows === 0 ? 0 : size.bytes / size.rows }));
    },
  };
}
