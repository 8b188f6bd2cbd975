import { randomBytes } from 'node:crypto';
import { createModel } from '../../../detectors/model.ts';
import { PRODUCT } from '../../../schemas/ocsf/product.ts';
import type { HealthPorts } from '../../api/health-app.ts';
import type { IngestPort, PolicyPort, Ports } from '../../api/ports.ts';
import { dryRunPolicy } from '../../contain/dry-run.ts';
import type { Credential } from '../../control/bootstrap.ts';
import { endOfFeed, readAlerts } from '../../deliver/pull.ts';
import { storiesProgress } from '../../detect/stories/run.ts';
import { splitBody } from '../../ingest/split.ts';
import { createIngest } from '../../ingest/submit.ts';
import { systemClock } from '../../platform/clock.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import { TOPICS } from '../../platform/event-log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { type Inputs, readInputs, settingsOf } from '../recorded/inputs.ts';
import { allPartitions } from './cluster.ts';
import { policyOf } from './contain-role.ts';
import type { Control } from './control.ts';
import { webhooksPort } from './deliver-role.ts';
import { planner, plansOf } from './executors.ts';
import { type Foundation, openFoundation, openGround } from './foundation.ts';
import { createMetrics } from './metrics.ts';
import { type Ends, endAll, keepHouse, type Parts, startParts, watchParts } from './parts.ts';
import { createProfileReader, createStateReader } from './profile.ts';
import { type Ended, readinessOf } from './readiness.ts';
import { authPort } from './sign-in.ts';

/** One process of Countersign, in its roles, short of the listening socket. */
export type Service = {
  readonly parts: Parts;
  /** What health and metrics are answered from. */
  readonly health: HealthPorts;
  /** What the API is built from; absent where this process has no such role. */
  readonly ports: Ports | undefined;
  /** Shown once: the keys of the first start, in the process that made them. Resolves empty everywhere else and later. */
  readonly credentials: Promise<readonly Credential[]>;
  /** Resolves with the reason when a part that cannot be done without has ended by itself. */
  readonly failed: Promise<Error>;
  /** Hands over what this process works on, makes everything applied durable, and closes log and store. */
  stop(): Promise<void>;
};

/**
 * Opens the data directory, starts what the roles ask for and hands out what the API needs. Throws a Problem when it
 * cannot. `open` is given by those who put something between the service and its log and store.
 */
export async function openService(
  loaded: LoadedConfig,
  telemetry: Telemetry,
  open: typeof openFoundation = openFoundation,
): Promise<Service> {
  const { config } = loaded;
  const inputs = readInputs(
    {
      mapping: config.ingest.mappings,
      ...(config.ingest.tool_catalogue === undefined ? {} : { catalogue: config.ingest.tool_catalogue }),
    },
    settingsOf(loaded),
  );
  const stores = config.roles.some((role) => role === 'detect' || role === 'deliver' || role === 'api');
  const foundation = stores ? await open(loaded, telemetry) : undefined;
  const ground = foundation ?? (await openGround(loaded, telemetry));
  const ends: Ends = [() => ground.close()];
  try {
    return await startOn({ ground, foundation }, inputs, ends);
  } catch (error) {
    await endAll(ends);
    throw error;
  }
}

/** Foundation and ports of a process that has all roles. */
export function whole({ parts: { foundation }, ports }: Service): { foundation: Foundation; ports: Ports } {
  if (foundation === undefined || ports === undefined) throw new Error('this process does not have all roles');
  return { foundation, ports };
}

async function startOn(base: Pick<Parts, 'ground' | 'foundation'>, inputs: Inputs, ends: Ends): Promise<Service> {
  const { ground, foundation } = base;
  const { telemetry, config } = ground;
  const stopping = new AbortController();
  const { signal } = stopping;
  const ended: Ended = new Map();
  const parts = await startParts(base, inputs, ends);
  const housekeeping = keepHouse(parts, signal);
  ends.push(
    async () => void (await housekeeping.catch(() => undefined)),
    () => stopping.abort(),
  );
  const failed = watchParts(parts, housekeeping, ended, { telemetry, signal });
  const health: HealthPorts = {
    clock: systemClock,
    telemetry,
    randomBytes,
    control: parts.control.view,
    readiness: () => readinessOf(parts, ended),
    metrics: createMetrics(parts),
  };
  const serves = config.roles.includes('api') && foundation !== undefined;
  return {
    parts,
    health,
    ports: serves ? await portsOf(parts, foundation, inputs, health) : undefined,
    credentials: parts.contain?.credentials ?? Promise.resolve([]),
    failed,
    stop: () => endAll(ends),
  };
}

async function portsOf(parts: Parts, foundation: Foundation, inputs: Inputs, health: HealthPorts): Promise<Ports> {
  const { log, store } = foundation;
  const { control, detection, deliver } = parts;
  const { partitions } = await log.describe(TOPICS.events);
  return {
    ...health,
    version: PRODUCT.version,
    ingest: ingestPort(foundation, inputs),
    store,
    commands: control.bus,
    auth: authPort(foundation),
    feed: { read: (request) => readAlerts(log, request), end: () => endOfFeed(log) },
    webhooks: webhooksPort(foundation, control, deliver),
    detect: {
      detectors: createModel().detectors.map(({ name }) => name),
      status: () => allPartitions({ log, store, control }, detection),
      stalled: () => detection?.runner.stalled ?? false,
      stories: () => storiesProgress(log),
    },
    plan: planner(plansOf(foundation.config), systemClock),
    log,
    policy: policyPort(foundation, control),
    readProfile: createProfileReader(store, partitions),
    readStates: createStateReader(store, partitions),
  };
}

function policyPort(ground: Foundation, { view }: Control): PolicyPort {
  const policy = policyOf(ground);
  const floor = { ...policy, roles: [...policy.roles] };
  return { floor, dryRun: (document) => dryRunPolicy(view.state, policy, document) };
}

function ingestPort({ log, telemetry }: Foundation, { mappings, catalogue, settings }: Inputs): IngestPort {
  const seams = { log, clock: systemClock, telemetry, catalogue, settings };
  const ingest = createIngest({ ...seams, mappings });
  const named = new Map(
    mappings.map((mapping) => [mapping.file.name, createIngest({ ...seams, mappings: [mapping] })] as const),
  );
  return {
    mappings: [...named.keys()],
    split: splitBody,
    submit: (items, { mapping, ...options }) =>
      (mapping === undefined ? ingest : (named.get(mapping) ?? ingest)).submit(items, options),
  };
}
