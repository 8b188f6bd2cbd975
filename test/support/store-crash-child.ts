import { openStore } from '../../services/platform/clickhouse/client.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { BATCH_ROWS, checkpointOf } from './store-crash.ts';
import { placed } from './store-fixtures.ts';

/** Writes checkpoint after checkpoint, says what was acknowledged, and is killed in the middle of it. */
const [path, first] = process.argv.slice(2) as [string, string];
const { store } = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
for (let batch = Number(first); ; batch++) {
  const { outputs, blobs, manifest } = checkpointOf(batch);
  await store.writeOutputs(outputs);
  process.send?.({ batch, step: 'outputs' });
  await store.writeBlobs(placed(TOPICS.events, 0, blobs));
  process.send?.({ batch, step: 'blobs' });
  await store.writeManifests([manifest]);
  process.send?.({ batch, step: 'manifest' });
  if (batch * BATCH_ROWS > 1_000_000) process.exit(1);
}
