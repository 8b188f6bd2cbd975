import type { EventInput } from '../../../../schemas/event.ts';
import { UNITS } from '../../../../schemas/limits.ts';
import { openGround } from '../../../../services/cli/service/foundation.ts';
import { decideItem } from '../../../../services/ingest/core.ts';
import { eventRecord } from '../../../../services/ingest/record.ts';
import { type NewRecord, TOPICS } from '../../../../services/platform/event-log.ts';
import { identityKey, partitionOf } from '../../../../services/platform/partitioner.ts';
import { silentTelemetry } from '../../../../services/platform/telemetry.ts';
import { contextFor } from '../../input.ts';
import { configOf } from '../cluster.ts';
import { PARTITIONS } from '../sizes.ts';
import { CROWD_EVENTS } from './crowd-events.ts';
import type { OpenPart } from './part.ts';

const WRITE_RECORDS = 2_000;
const START_MS = Date.UTC(2026, 0, 8);

/** Many identities that have all worked a little; told to go, one of every partition works again. */
export const openCrowd: OpenPart = async (given) => {
  const { log, close } = await openGround(configOf(given), silentTelemetry());
  const identities = given.size.takeover_identities;
  const context = contextFor('canonical');
  const recordOf = (identity: number, n: number): NewRecord => {
    const bytes = Buffer.from(JSON.stringify(eventOf(identity, n)));
    const [decided] = decideItem({ bytes, position: `crowd:${identity}/${n}` }, context);
    if (decided?.kind !== 'accepted') throw new Error('an event of the crowd was not accepted');
    return eventRecord(decided.event, decided.json, timeOf(n));
  };
  for (let n = 0; n < CROWD_EVENTS; n++) {
    for (let from = 0; from < identities; from += WRITE_RECORDS) {
      const some = Math.min(WRITE_RECORDS, identities - from);
      await log.transact({ records: Array.from({ length: some }, (_, i) => recordOf(from + i, n)) });
    }
  }
  let done = identities * CROWD_EVENTS;
  return {
    get progress() {
      return { done, durable: true };
    },
    go: async () => {
      await log.transact({ records: onePerPartition(identities).map((identity) => recordOf(identity, CROWD_EVENTS)) });
      done += PARTITIONS;
    },
    close,
  };
};

function onePerPartition(identities: number): number[] {
  const found = new Map<number, number>();
  for (let identity = 0; identity < identities && found.size < PARTITIONS; identity++) {
    found.set(partitionOf(identityKey('default', nameOf(identity)), PARTITIONS), identity);
  }
  if (found.size < PARTITIONS)
    throw new Error(`the crowd of ${identities} leaves a partition of ${TOPICS.events} empty`);
  return [...found.values()];
}

const nameOf = (identity: number): string => `agent-${identity}`;
const timeOf = (n: number): number => START_MS + n * UNITS.MINUTE_MS;

function eventOf(identity: number, n: number): EventInput {
  return {
    id: `${identity}-${n}`,
    time: timeOf(n),
    identity: { id: nameOf(identity), kind: 'agent', peer_group: `group-${identity % 20}` },
    session: `session-${identity}`,
    action: { operation: n % 3 === 2 ? 'store' : 'read' },
    tool: { name: `tool-${(identity + n) % 12}`, server: 'server' },
    resource: { id: `resource-${(identity * 3 + n) % 5_000}`, store: 'store', classification: 'internal' },
    volume: { bytes_in: 50 + n, bytes_out: 1_000 + ((identity * 37) % 900), records: 1 },
    outcome: { status: 'ok' },
  };
}
