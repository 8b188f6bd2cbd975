import { randomBytes } from 'node:crypto';
import { createModel } from '../../../detectors/model.ts';
import { PRODUCT } from '../../../schemas/ocsf/product.ts';
import type { Ports } from '../../api/ports.ts';
import { bootstrapCredentials, type Credential } from '../../control/bootstrap.ts';
import { endOfFeed, readAlerts } from '../../deliver/pull.ts';
import { splitBody } from '../../ingest/split.ts';
import { createIngest } from '../../ingest/submit.ts';
import { systemClock } from '../../platform/clock.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import { TOPICS } from '../../platform/event-log.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { type Inputs, readInputs } from '../recorded/inputs.ts';
import { copyControl, copyDeadLetters } from './copies.ts';
import { type Detection, keepTime, startDetection } from './detection.ts';
import { type Foundation, openFoundation } from './foundation.ts';
import { createMetrics } from './metrics.ts';
import { createProfileReader } from './profile.ts';
import { type Ended, readinessOf } from './readiness.ts';
import { type Response, startResponse } from './response.ts';
import { retainLog } from './retention.ts';

/** All of Countersign in one process, short of the listening socket. */
export type Service = {
  readonly foundation: Foundation;
  readonly detection: Detection;
  readonly response: Response;
  /** What the API is built from. */
  readonly ports: Ports;
  /** Shown once: the keys of the first start. Empty on every later one. */
  readonly credentials: readonly Credential[];
  /** Resolves with the reason when a part that cannot be done without has ended by itself. */
  readonly failed: Promise<Error>;
  /** Makes everything applied durable and closes log and store. */
  stop(): Promise<void>;
};

/**
 * Opens the data directory, starts every stage and hands out what the API needs. Throws a Problem when it cannot. `open`
 * is given by those who put something between the service and its log and store.
 */
export async function openService(
  loaded: LoadedConfig,
  telemetry: Telemetry,
  open: typeof openFoundation = openFoundation,
): Promise<Service> {
  const { config } = loaded;
  const inputs = readInputs({
    mapping: config.ingest.mappings,
    ...(config.ingest.tool_catalogue === undefined ? {} : { catalogue: config.ingest.tool_catalogue }),
  });
  const foundation = await open(loaded, telemetry);
  const ends: End[] = [() => foundation.close()];
  try {
    return await startOn(foundation, inputs, ends);
  } catch (error) {
    await endAll(ends);
    throw error;
  }
}

/** How to end what was started, oldest first. */
type End = () => Promise<void> | void;

async function endAll(ends: readonly End[]): Promise<void> {
  for (const end of ends.toReversed()) await end();
}

async function startOn(foundation: Foundation, { mappings, catalogue }: Inputs, ends: End[]): Promise<Service> {
  const { log, store, telemetry } = foundation;
  const stopping = new AbortController();
  const { signal } = stopping;
  const credentials = await bootstrapCredentials(log, { clock: systemClock, randomBytes });
  const detection = await startDetection(foundation);
  ends.push(() => detection.stop());
  const response = await startResponse(foundation);
  const ended: Ended = new Map();
  const chores = [
    copyDeadLetters({ log, store, telemetry }, signal),
    copyControl({ log, store, telemetry }, signal),
    keepTime(foundation, detection.runner, signal),
    retainLog(foundation, detection.runner, signal),
  ];
  ends.push(
    async () => void (await Promise.allSettled(chores)),
    () => response.stop(),
    () => stopping.abort(),
  );
  const failed = watch(foundation, detection, response, chores, ended, signal);
  const { partitions } = await log.describe(TOPICS.events);
  const ingest = createIngest({ log, clock: systemClock, telemetry, mappings, catalogue });
  const named = new Map(
    mappings.map((mapping) => [
      mapping.file.name,
      createIngest({ log, clock: systemClock, telemetry, mappings: [mapping], catalogue }),
    ]),
  );
  const ports: Ports = {
    clock: systemClock,
    telemetry,
    randomBytes,
    version: PRODUCT.version,
    ingest: {
      mappings: [...named.keys()],
      split: splitBody,
      submit: (items, { mapping, ...options }) =>
        (mapping === undefined ? ingest : (named.get(mapping) ?? ingest)).submit(items, options),
    },
    store,
    control: response.view,
    commands: response.bus,
    feed: { read: (request) => readAlerts(log, request), end: () => endOfFeed(log) },
    webhooks: response.webhooks,
    detect: {
      detectors: createModel().detectors.map(({ name }) => name),
      status: () => detection.runner.status(),
      stalled: () => detection.runner.stalled,
    },
    log,
    readProfile: createProfileReader(store, partitions),
    readiness: () => readinessOf(foundation, detection, response, ended),
    metrics: createMetrics(foundation, detection, response),
  };
  return {
    foundation,
    detection,
    response,
    ports,
    credentials,
    failed,
    stop: () => endAll(ends),
  };
}

/** Notes what ends by itself for the readiness report, and tells of the parts without which the service is none. */
function watch(
  { telemetry }: Foundation,
  detection: Detection,
  response: Response,
  chores: readonly Promise<void>[],
  ended: Ended,
  signal: AbortSignal,
): Promise<Error> {
  return new Promise((resolve) => {
    const note = (part: Parameters<Ended['set']>[0], message: string, fatal: boolean): void => {
      if (signal.aborted) return;
      ended.set(part, message);
      telemetry.occurred('parts_ended', { part }, { message });
      if (fatal) resolve(new Error(`${part} ended: ${message}`));
    };
    detection.ended.catch((error: unknown) => note('detect', String(error), true));
    Promise.all(chores).catch((error: unknown) => note('copies', String(error), true));
    response.webhooks.stopped.catch((error: unknown) => note('webhooks', String(error), true));
    response.feedEnded.then(
      (gap) => gap !== undefined && note('feed', gap.message, false),
      (error: unknown) => note('feed', String(error), true),
    );
    void response.responderEnded.then((end) => {
      if (end.kind !== 'stopped') note('responder', 'message' in end ? end.message : end.kind, end.kind === 'failed');
    });
  });
}
