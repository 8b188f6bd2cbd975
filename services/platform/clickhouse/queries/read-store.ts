import type { ReadStore } from '../../store.ts';
import type { ClickHouse } from '../connection.ts';
import { alertReads } from './alerts.ts';
import { blastReads } from './blast-radius.ts';
import { copyReads } from './copies.ts';
import { identityReads } from './identities.ts';
import { originReads } from './origins.ts';
import { totalReads } from './totals.ts';

/** The questions of API, CLI and doctor, on ClickHouse. */
export function createReadStore(db: ClickHouse): ReadStore {
  return {
    ...alertReads(db),
    ...identityReads(db),
    ...copyReads(db),
    ...originReads(db),
    ...blastReads(db),
    ...totalReads(db),
  };
}
