import { readConfig } from '../../services/cli/configuration.ts';
import { kafkaSettings } from '../../services/cli/service/kafka-settings.ts';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import type { ClickHouse } from '../../services/platform/clickhouse/connection.ts';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { openKafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import type { Store } from '../../services/platform/store.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';

/** Where a log and a store are, in words that can be handed to another process. */
export type LogPlace =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** On the cluster of the configuration in a data directory. */
  | { readonly kind: 'kafka'; readonly data: string };
export type StorePlace =
  | { readonly kind: 'embedded'; readonly path: string }
  | { readonly kind: 'server'; readonly url: string; readonly database: string };

export async function openLogAt(place: LogPlace): Promise<EventLog> {
  const seams = { clock: systemClock, telemetry: silentTelemetry() };
  if (place.kind === 'sqlite') return openSqliteLog({ path: place.path, ...seams });
  const { config, secrets } = readConfig({ data: place.data });
  const { kafka } = config.log;
  if (kafka === undefined) throw new Error(`${place.data} has no configuration of a cluster`);
  return openKafkaLog({ settings: kafkaSettings(config, kafka, secrets, `harness-${process.pid}`), ...seams });
}

export async function openStoreAt(place: StorePlace): Promise<{ readonly store: Store; readonly db: ClickHouse }> {
  return openStore(place.kind === 'embedded' ? place : { ...place, replicated: false }, {
    telemetry: silentTelemetry(),
  });
}
