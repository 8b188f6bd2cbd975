import { type Detection, startDetection } from '../../services/cli/service/detection.ts';
import { type Foundation, openFoundation } from '../../services/cli/service/foundation.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import { createIngest, type Ingest } from '../../services/ingest/submit.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { loadConfig } from '../../services/platform/config.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';

/** The embedded road, composed by the functions that `countersign up` uses: log, store, detect, and ingest before them. */
export type Road = { readonly foundation: Foundation; readonly detection: Detection; readonly ingest: Ingest };

/** Runs the work on a data directory and closes it in order. */
export async function onRoad<T>(path: string, work: (road: Road) => Promise<T>): Promise<T> {
  const loaded = loadConfig({ cwd: path, environment: {}, overrides: { data_dir: path } });
  if (!loaded.ok) throw new Error('the default configuration does not load');
  const telemetry = silentTelemetry();
  const foundation = await openFoundation(loaded, telemetry);
  const detection = await startDetection(foundation);
  const { log } = foundation;
  const ingest = createIngest({ log, clock: systemClock, telemetry, mappings: [], catalogue: emptyCatalogue() });
  try {
    return await work({ foundation, detection, ingest });
  } finally {
    await detection.stop();
    await foundation.close();
  }
}
