import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import type { Model } from '../../../detectors/contract.ts';
import { createModel } from '../../../detectors/model.ts';
import { StateSlab } from '../../../detectors/state.ts';
import type { Alert } from '../../../schemas/alert.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { LOCAL_ISSUER, type Role, SYSTEM } from '../../../schemas/principal.ts';
import type { SubscriptionEntry } from '../../../schemas/subscription.ts';
import type { Ports } from '../../../services/api/ports.ts';
import { listen } from '../../../services/api/server.ts';
import { planner } from '../../../services/cli/service/executors.ts';
import { createStateReader } from '../../../services/cli/service/profile.ts';
import { dryRunPolicy } from '../../../services/contain/dry-run.ts';
import { BUILT_IN_POLICY } from '../../../services/contain/policy.ts';
import { startResponder } from '../../../services/contain/responder.ts';
import { bootstrapCredentials, type FirstPrincipal } from '../../../services/control/bootstrap.ts';
import { createCommandBus } from '../../../services/control/command-bus.ts';
import { createGapPort } from '../../../services/control/gaps.ts';
import { openControlView } from '../../../services/control/view.ts';
import { runFeed } from '../../../services/deliver/feed.ts';
import { endOfFeed, readAlerts } from '../../../services/deliver/pull.ts';
import { subscriptionsOf } from '../../../services/deliver/subscriptions.ts';
import { startWebhooks } from '../../../services/deliver/webhook.ts';
import { decodeIdentity } from '../../../services/detect/blob.ts';
import { undecidedGaps } from '../../../services/detect/gap.ts';
import { DetectRunner } from '../../../services/detect/runner.ts';
import { emptyCatalogue } from '../../../services/ingest/catalogue.ts';
import { loadMapping } from '../../../services/ingest/load.ts';
import { splitBody } from '../../../services/ingest/split.ts';
import { createIngest } from '../../../services/ingest/submit.ts';
import { openStore } from '../../../services/platform/clickhouse/client.ts';
import { systemClock } from '../../../services/platform/clock.ts';
import { type EventLog, TOPICS } from '../../../services/platform/event-log.ts';
import type { GapPort } from '../../../services/platform/gaps.ts';
import { type PostAnswer, type PostRequest, post } from '../../../services/platform/http-post.ts';
import { identityKey, partitionOf } from '../../../services/platform/partitioner.ts';
import { openSqliteLog } from '../../../services/platform/sqlite-log/sqlite-log.ts';
import type { Store } from '../../../services/platform/store.ts';
import { silentTelemetry, type Telemetry } from '../../../services/platform/telemetry.ts';
import { recordingExecutor } from '../../contain/harness.ts';
import { conformanceTo, type OpenApi } from './conformance.ts';

/** Bytes that look random, differ from call to call, and are the same in every run. */
function repeatableBytes(): (size: number) => Buffer {
  let calls = 0;
  return (size) => {
    const blocks = Math.ceil(size / 32);
    const seed = `bytes ${++calls}`;
    return Buffer.concat(
      Array.from({ length: blocks }, (_, block) => createHash('sha256').update(`${seed} ${block}`).digest()),
    ).subarray(0, size);
  };
}

const person = (subject: string, roles: readonly Role[], human = true): FirstPrincipal => ({
  principal: { issuer: LOCAL_ISSUER, subject, human },
  roles: [...roles],
});

/** One principal for each role alone, an administrator with all human roles, and a machine that holds what it must not. */
const FIRST: readonly FirstPrincipal[] = [
  person('root', ['admin', 'analyst', 'approver', 'viewer']),
  person('viewer', ['viewer']),
  person('analyst', ['analyst']),
  person('approver', ['approver']),
  person('siem', ['siem'], false),
  person('ingest', ['ingest'], false),
  person('admin', ['admin']),
  person('robot', ['approver'], false),
];

export type Subject = 'root' | 'robot' | Role;

const MAPPING = `
version: 1
name: plain-tool-log
origin: plain-tool-log
fields:
  id: call_id
  time: ts
  identity.id: agent
  tool.name: tool
`;

export type Service = {
  /** Listens on a port of its own. */
  readonly app: FastifyInstance;
  readonly url: string;
  readonly ports: Ports;
  readonly log: EventLog;
  readonly store: Store;
  readonly telemetry: Telemetry;
  readonly tokens: Readonly<Record<Subject, string>>;
  readonly executed: readonly unknown[];
  /** What stages tell of gaps. */
  readonly gaps: GapPort;
  /** A request in somebody's name. Its answer is held against the OpenAPI document that the service serves. */
  as(subject: Subject, request: InjectOptions | string): Promise<LightMyRequestResponse>;
  /** Tells, as a process of ours does, that somebody has authenticated again to vote on a containment as it stands. */
  stepUp(subject: Subject, containment: string): Promise<void>;
  /** Applies what is in the log and makes it durable. */
  drain(): Promise<void>;
  /** Stores alerts and hands them on, as detect does. Resolves once the responder has seen them. */
  raise(...alerts: Alert[]): Promise<void>;
  close(): Promise<void>;
};

export type ServiceOptions = {
  /** None: approved containments are not executed. */
  readonly executor?: boolean;
  /** A subscription that the control log does not know, as that of the configuration. */
  readonly configured?: SubscriptionEntry;
  readonly change?: (ports: Ports) => Ports;
  /** Absent: the shipped one. */
  readonly model?: Model;
};

/** Countersign in one process over a fresh directory, from the pieces that the service itself is made of. */
export async function startService(options: ServiceOptions = {}): Promise<Service> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-api-'));
  const telemetry = silentTelemetry();
  const clock = systemClock;
  const randomBytes = repeatableBytes();
  const log = openSqliteLog({ path: join(directory, 'log.sqlite'), partitions: 2, clock, telemetry });
  const { store } = await openStore({ kind: 'embedded', path: join(directory, 'store') }, { telemetry });
  const credentials = await bootstrapCredentials(log, { clock, randomBytes }, FIRST);
  const tokens = Object.fromEntries(credentials.map((one) => [one.principal.subject, one.token])) as Service['tokens'];
  const view = await openControlView(log, clock);
  const executor = recordingExecutor();
  const responder = startResponder({
    log,
    clock,
    telemetry,
    policy: BUILT_IN_POLICY,
    instance: 'test',
    executors: options.executor === false ? [] : [executor],
  });
  const stopping = new AbortController();
  const gaps = createGapPort({ log, clock, view });
  const feeding = runFeed({ log, clock, telemetry, gaps }, stopping.signal);
  const bus = createCommandBus({ log, view, clock });
  const made = subscriptionsOf({ view, bus, clock });
  const { configured } = options;
  const webhooks = startWebhooks(
    {
      log,
      clock,
      telemetry,
      // No pause but the one that the receiver asks for.
      random: () => 0,
      post: postNearby,
      policy: { allow_private_networks: false },
      subscriptions: { ...made, current: () => [...(configured === undefined ? [] : [configured]), ...made.current()] },
    },
    stopping.signal,
  );
  const model = options.model ?? createModel();
  const detect = new DetectRunner({
    log,
    store,
    clock,
    telemetry,
    gaps: undecidedGaps(),
    worker: {
      model,
      describe: ({ findings }) => ({
        title: 'surprise',
        summary: findings[0]?.sentence ?? '',
        severity: 'high',
        recommendation: { action: 'suspend_agent', target: 'agent', parameters: {}, reason: 'it surprised' },
        techniques: [],
      }),
    },
  });
  for (const partition of [0, 1]) await detect.assign(partition);

  const mapping = loadMapping(MAPPING, 'plain-tool-log.yaml');
  if (!mapping.ok) throw new Error(JSON.stringify(mapping));
  const shared = { log, clock, telemetry, catalogue: emptyCatalogue() };
  const ingest = createIngest({ ...shared, mappings: [mapping.value] });

  const own: Ports = {
    clock,
    telemetry,
    randomBytes,
    version: '0.1.0-test',
    ingest: {
      mappings: [mapping.value.file.name],
      split: splitBody,
      submit: (items, { format, origin }) => ingest.submit(items, { format, origin }),
    },
    store,
    control: view,
    commands: bus,
    auth: {
      cookie_key: randomBytes(32),
      secure: false,
      public_url: undefined,
      session_ms: LIMITS.sign_in_ms,
      idle_ms: LIMITS.sign_in_idle_ms,
      providers: [],
    },
    feed: { read: (request) => readAlerts(log, request), end: () => endOfFeed(log) },
    webhooks,
    detect: {
      detectors: model.detectors.map(({ name }) => name),
      status: async () => detect.status().map((one) => ({ ...one, here: true })),
      stalled: () => detect.stalled,
      stories: async () => ({ next_offset: 5, end_offset: 7 }),
    },
    plan: planner(options.executor === false ? [] : [executor], clock),
    log,
    policy: {
      floor: { ...BUILT_IN_POLICY, roles: [...BUILT_IN_POLICY.roles] },
      dryRun: (document) => dryRunPolicy(view.state, BUILT_IN_POLICY, document),
    },
    // The reader knows the states of the shipped model only.
    readStates: options.model === undefined ? createStateReader(store, 2) : async () => new Map(),
    async readProfile(tenant, identity) {
      const key = identityKey(tenant, identity);
      const blobs = await store.readBlobs(TOPICS.events, partitionOf(key, 2), [key]);
      const blob = blobs.get(key);
      if (blob === undefined) return undefined;
      const slab = new StateSlab(model.words);
      const state = decodeIdentity(key, blob.version, blob.bytes, model, slab);
      return { ...model.profile(state.slot), muted_findings: state.directed?.muted ?? 0 };
    },
    readiness: async () => ({ ready: true, reasons: [] }),
    metrics: () => telemetry.registry.metrics(),
  };
  const ports = options.change?.(own) ?? own;
  const listening = await listen(ports, { port: 0 });
  if (listening.kind === 'refused') throw new Error(listening.message);
  const { app } = listening;
  const document = await app.inject({ url: '/v1/openapi.json', headers: { authorization: `Bearer ${tokens.viewer}` } });
  const check = conformanceTo(document.json<OpenApi>());

  return {
    app,
    url: listening.url,
    ports,
    log,
    store,
    telemetry,
    tokens,
    executed: executor.requests,
    gaps,
    async as(subject, request) {
      const asked = typeof request === 'string' ? { method: 'GET' as const, url: request } : request;
      const headers = { authorization: `Bearer ${tokens[subject]}`, ...asked.headers };
      const response = await app.inject({ ...asked, headers });
      // A redirect has no body to hold against the document.
      if (response.statusCode === 303) return response;
      check({
        method: asked.method ?? 'GET',
        url: String(asked.url),
        status: response.statusCode,
        type: response.headers['content-type']?.toString(),
        body: response.payload,
      });
      return response;
    },
    async stepUp(subject, id) {
      const key = credentials.find((one) => one.principal.subject === subject)?.key ?? '';
      const digest = view.state.containments.get(id)?.digest ?? '';
      const by = { issuer: LOCAL_ISSUER, subject };
      const step_up = {
        principal: by,
        credential: key,
        containment: id,
        digest,
        method: 'password' as const,
        authenticated: clock.now(),
      };
      const command = { id: `fresh-${randomBytes(8).toString('hex')}`, by: SYSTEM, time: clock.now() };
      await bus.ask({ ...command, type: 'step_up', step_up });
    },
    drain: () => detect.drain(),
    async raise(...alerts) {
      const rows = alerts.map((alert, offset) => ({ alert, partition: 0, offset }));
      await store.writeOutputs({
        events: [],
        findings: [],
        alerts: rows,
        aliases: [],
        poison: [],
        handed: [],
        effects: [],
      });
      const records = alerts.map((alert) => ({
        topic: TOPICS.alerts,
        key: identityKey(alert.tenant, alert.identity.id),
        value: Buffer.from(JSON.stringify(alert)),
      }));
      await log.transact({ records });
      await seen(view, alerts);
    },
    async close() {
      await listening.close();
      stopping.abort();
      await responder.stop();
      await feeding;
      await webhooks.stopped;
      await view.close();
      await detect.stop({ checkpoint: false });
      await log.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Nothing that a test subscribes leaves this machine. */
async function postNearby(request: PostRequest): Promise<PostAnswer> {
  if (request.url.hostname === '127.0.0.1') return post(request);
  return { kind: 'failed', reason: 'unreachable', code: 'ENOTFOUND' };
}

/** Resolves once there is a containment for each of the alerts. */
function seen(view: Awaited<ReturnType<typeof openControlView>>, alerts: readonly Alert[]): Promise<void> {
  return new Promise((resolve) => {
    const all = (): boolean => alerts.every(({ uid }) => view.state.byAlert.has(uid));
    if (all()) return resolve();
    const stop = view.listen(() => {
      if (!all()) return;
      stop();
      resolve();
    });
  });
}

/** One canonical event as a source sends it. */
export function eventOf(id: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id,
    time: systemClock.now(),
    identity: { id: 'agent-1', kind: 'agent' },
    tool: { name: 'search' },
    action: { operation: 'read' },
    outcome: { status: 'ok' },
    ...more,
  };
}

export function ndjson(...events: readonly unknown[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}
