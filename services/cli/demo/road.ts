import { randomBytes } from 'node:crypto';
import { replayRecords } from '../../ingest/replay.ts';
import { settleRule } from '../../ingest/settle/rule.ts';
import { createIngest } from '../../ingest/submit.ts';
import { systemClock } from '../../platform/clock.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import { encodeWebhookSecret } from '../../platform/standard-webhooks.ts';
import { createTelemetry } from '../../platform/telemetry.ts';
import { writeSimulation } from '../../simulate/write.ts';
import { type GlobalOptions, loadedOrProblem } from '../configuration.ts';
import { Problem } from '../problem.ts';
import { createIngestContext } from '../recorded/context.ts';
import { openRecordings, readInputs } from '../recorded/inputs.ts';
import { awaitDetect, awaitStories, replayIntoLog } from '../recorded/replay-into-log.ts';
import { type Serving, serve } from '../service/serve.ts';
import { type Service, whole } from '../service/service.ts';
import { progressBar, type Terminal, thousands } from '../terminal.ts';
import { FLEET } from './fleet.ts';
import { type Home, settle } from './home.ts';

const SECRET_BYTES = 32;

export const newSecret = (): string => encodeWebhookSecret(randomBytes(SECRET_BYTES));

type Executor = { readonly url: string; readonly secret: string };

/** Serves on the usual port, or on any other where that is taken. Of the configuration only the data directory's own counts. */
export async function serveDemo(home: Home, options: GlobalOptions, executor: Executor): Promise<Serving> {
  const telemetry = createTelemetry({ level: options.logLevel ?? 'error' });
  settle(home);
  try {
    return await serve(demoConfig(home, executor, {}), telemetry);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'address_in_use') throw error;
    return serve(demoConfig(home, executor, { port: 0 }), createTelemetry({ level: options.logLevel ?? 'error' }));
  }
}

function demoConfig(home: Home, { url, secret }: Executor, listen: { readonly port?: number }): LoadedConfig {
  return loadedOrProblem({
    cwd: process.cwd(),
    environment: { COUNTERSIGN_CONTAIN_EXECUTOR_SECRET: secret },
    overrides: {
      data_dir: home.data,
      listen,
      contain: { executor_webhook: { url } },
    },
  });
}

/** Writes the recording of the fleet and its labels. */
export async function recordFleet(home: Home, signal: AbortSignal): Promise<void> {
  const written = await writeSimulation(FLEET, home.recording, { signal });
  if (!written.ok) throw new Problem(written.error.code, written.error.message);
}

/** Runs the recording through the service on its own clock, until every alert is stored and proposed about. */
export async function feed(terminal: Terminal, home: Home, service: Service, signal: AbortSignal): Promise<boolean> {
  const { log, telemetry } = service.parts.ground;
  const inputs = readInputs({ format: 'canonical' });
  const { recordings, size_bytes } = await openRecordings([home.recording]);
  const ingest = createIngest({ log, clock: systemClock, telemetry, ...inputs });
  const steps = replayRecords(
    recordings,
    createIngestContext(inputs, systemClock.now()),
    settleRule(inputs.settings.bound_ms),
  );
  await replayIntoLog({ log, ingest, clock: systemClock, signal }, steps, ({ bytes_read, sums }) => {
    terminal.progress(`  ${progressBar(bytes_read, size_bytes)}  ${thousands(sums.received)} events`);
  });
  terminal.progress('  waiting for detection to catch up');
  const scored = (await awaitDetect(log, systemClock, signal)) && (await awaitStories(log, systemClock, signal));
  const done = scored && (await awaitProposals(service, signal));
  terminal.progressDone();
  return done;
}

const POLL_MS = 50;
const PAGE = 500;

/** Every alert leads to a proposal; the feed and the responder are a moment behind detect. */
async function awaitProposals(service: Service, signal: AbortSignal): Promise<boolean> {
  const { foundation, ports } = whole(service);
  const { items } = await foundation.store.listAlerts({ tenant: 'default' }, { limit: PAGE, order: 'oldest_first' });
  while (!signal.aborted) {
    if (items.every(({ uid }) => ports.control.state.byAlert.has(uid))) return true;
    await systemClock.sleep(POLL_MS, signal);
  }
  return false;
}
