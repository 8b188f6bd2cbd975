import { setTimeout as sleep } from 'node:timers/promises';
import { appendTick, awaitPrior, requestPrior } from '../../services/detect/priors.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import type { ReplayStep } from '../../services/ingest/replay.ts';
import { createIngest, type Ingest } from '../../services/ingest/submit.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, LogUnavailable, PositionConflict, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import type { Random } from '../detect/simulation/world.ts';
import { type Input, inputOf } from './input.ts';
import type { ServiceHandle } from './process.ts';

/** What was sent and what was promised about it. */
export type Sent = {
  /** Ids of live events that were acknowledged: each must be found, once. */
  readonly acknowledged: Set<string>;
  /** Records of the events topic that nobody can read. */
  poison: number;
  /** Judgements that were answered with a yes. */
  verdicts: number;
  recorded: number;
  /** Events that were put into the raw topic, at least. */
  raw: number;
};

export type Traffic = {
  readonly sent: Sent;
  /** Rejects when something was answered that must not be. */
  readonly ended: Promise<void>;
  stop(): void;
};

export type TrafficOptions = {
  readonly seed: number;
  readonly random: Random;
  readonly log: EventLog;
  /** A process that listens now. */
  readonly listening: () => ServiceHandle | undefined;
  readonly token: (name: 'ingest' | 'admin') => string;
  /** Over HTTP; and as many at most in the raw topic. */
  readonly live_events_max: number;
  /** Between two batches of a sender. */
  readonly pause_ms: number;
};

const REPLAY_PAUSE_MS = 15;
const ANSWER_MS = 8_000;
/** Without a first prior there is hardly an alert; the later ones need not be waited for. */
const FIRST_PRIOR_MS = 20_000;
const PRIOR_MS = 3_000;

/** Sends until it is stopped: live events and judgements over HTTP, a recording, ticks, cuts and rubbish into the log. */
export async function startTraffic(options: TrafficOptions): Promise<Traffic> {
  const ingest = createIngest({
    log: options.log,
    clock: systemClock,
    telemetry: silentTelemetry(),
    mappings: [],
    catalogue: emptyCatalogue(),
  });
  const input = await inputOf(options.seed, ingest.contextOf);
  const sent: Sent = { acknowledged: new Set(), poison: 0, verdicts: 0, recorded: 0, raw: 0 };
  const stopping = new AbortController();
  const { signal } = stopping;
  const ended = Promise.all([
    sendLive(options, input, sent, signal),
    replay(options, ingest, input.recorded, sent, signal),
    produce(options, input, sent, signal),
    disturb(options, sent, signal),
    judge(options, sent, signal),
  ]).then(() => undefined);
  ended.catch(() => undefined);
  return { sent, ended, stop: () => stopping.abort() };
}

/** Sends a batch until it is acknowledged, to whichever process listens. */
async function sendLive(options: TrafficOptions, input: Input, sent: Sent, signal: AbortSignal): Promise<void> {
  const { random } = options;
  let serial = 0;
  let last = '';
  while (!signal.aborted && serial < options.live_events_max) {
    const ids: string[] = [];
    const lines = Array.from({ length: 1 + random.int(60) }, () => {
      const event = input.live[serial % input.live.length];
      const id = `live-${serial++}`;
      ids.push(id);
      return JSON.stringify({ ...event, id, time: systemClock.now() });
    });
    if (random.chance(0.2)) lines.push('{"not":"an event"}');
    // Somebody who got no answer once, and sends it again much later.
    if (random.chance(0.1) && last !== '') lines.push(last);
    const body = lines.join('\n');
    while (!signal.aborted) {
      const answer = await post(options, 'ingest', '/v1/events', body, 'application/x-ndjson');
      if (answer?.status === 200) {
        for (const id of ids) sent.acknowledged.add(id);
        break;
      }
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) {
        throw new Error(`events were answered with ${answer.status}: ${answer.text}`);
      }
      await pause(signal, 50);
    }
    last = lines[0] as string;
    await pause(signal, options.pause_ms);
  }
}

/** The recording in writes of a few steps each. Its cuts ask for priors, which are waited for, but not for ever. */
async function replay(
  { log, random }: TrafficOptions,
  ingest: Ingest,
  steps: readonly ReplayStep[],
  sent: Sent,
  signal: AbortSignal,
): Promise<void> {
  let since_cut = 0;
  let priors = 0;
  let batch: Exclude<ReplayStep, { kind: 'cut' }>[] = [];
  let wanted = 1;
  for (const step of steps) {
    if (signal.aborted) return;
    if (step.kind === 'cut') {
      if (since_cut < 400) continue;
      since_cut = 0;
      const version = `replay-${step.at}`;
      await persist(signal, () => requestPrior(log, { version, at: step.at }));
      const patience = AbortSignal.timeout(priors === 0 ? FIRST_PRIOR_MS : PRIOR_MS);
      if (await awaitPrior(log, systemClock, version, AbortSignal.any([signal, patience])).catch(passing)) priors += 1;
      continue;
    }
    if (step.kind === 'records') since_cut += step.decided.length;
    batch.push(step);
    if (batch.length < wanted) continue;
    const appended = batch;
    if (!(await persist(signal, () => ingest.append(appended)))) return;
    for (const one of appended) if (one.kind === 'records') sent.recorded += one.decided.length;
    batch = [];
    wanted = 1 + random.int(8);
    await pause(signal, REPLAY_PAUSE_MS);
  }
}

/** A source that writes to the raw topic, and an item among them now and then that is no event. */
async function produce(options: TrafficOptions, input: Input, sent: Sent, signal: AbortSignal): Promise<void> {
  const { log, random } = options;
  let serial = 0;
  while (!signal.aborted && serial < options.live_events_max) {
    const records = Array.from({ length: 1 + random.int(40) }, () => {
      const event = input.live[(serial * 7) % input.live.length];
      const json = random.chance(0.02)
        ? '{'
        : JSON.stringify({ ...event, id: `raw-${serial++}`, time: systemClock.now() });
      return { topic: TOPICS.raw, key: event?.identity.id ?? '', value: Buffer.from(json) };
    });
    if (await persist(signal, () => log.transact({ records }))) sent.raw += records.length;
    await pause(signal, options.pause_ms);
  }
}

/** Ticks out of turn, and records that are none of ours. */
async function disturb({ log, random }: TrafficOptions, sent: Sent, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(signal, 200 + random.int(600));
    if (random.chance(0.6)) await persist(signal, () => appendTick(log));
    if (random.chance(0.3)) {
      const value = Buffer.from(`{"not":"ours","serial":${sent.poison}`);
      const records = [{ topic: TOPICS.events, key: 'rubbish', value }];
      if (await persist(signal, () => log.transact({ records }))) sent.poison++;
    }
  }
}

const VERDICTS = ['true_positive', 'false_positive', 'expected_change'] as const;

/** An analyst who judges what comes up, now and then the same alert again. */
async function judge(options: TrafficOptions, sent: Sent, signal: AbortSignal): Promise<void> {
  const { random } = options;
  while (!signal.aborted) {
    await pause(signal, 300 + random.int(500));
    const page = await get(options, '/v1/alerts?limit=20');
    const alerts = page?.status === 200 ? (JSON.parse(page.text) as { items: { uid: string }[] }).items : [];
    const alert = alerts[random.int(Math.max(1, alerts.length))];
    if (alert === undefined) continue;
    const body = JSON.stringify({ verdict: VERDICTS[random.int(3)] });
    const answer = await post(options, 'admin', `/v1/alerts/${alert.uid}/verdict`, body, 'application/json');
    if (answer?.status === 200) sent.verdicts++;
  }
}

type Answer = { readonly status: number; readonly text: string };

/** Undefined where nobody answered. */
async function post(
  options: TrafficOptions,
  who: 'ingest' | 'admin',
  path: string,
  body: string,
  type: string,
): Promise<Answer | undefined> {
  return ask(options, path, who, { method: 'POST', headers: { 'content-type': type }, body });
}

const get = (options: TrafficOptions, path: string): Promise<Answer | undefined> => ask(options, path, 'admin', {});

async function ask(
  { listening, token }: TrafficOptions,
  path: string,
  who: 'ingest' | 'admin',
  init: RequestInit,
): Promise<Answer | undefined> {
  const url = listening()?.url();
  if (url === undefined) return undefined;
  try {
    const headers = { ...init.headers, authorization: `Bearer ${token(who)}` };
    const response = await fetch(`${url}${path}`, { ...init, headers, signal: AbortSignal.timeout(ANSWER_MS) });
    return { status: response.status, text: await response.text() };
  } catch {
    // Killed, paused or cut off: what became of it is unknown, as in life.
    return undefined;
  }
}

/** Repeats a write that may or may not have come through: it is then there twice. False when it was given up. */
async function persist(signal: AbortSignal, work: () => Promise<unknown>): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await work();
      return true;
    } catch (error) {
      passing(error);
      await pause(signal, 100);
    }
  }
  return false;
}

function passing(error: unknown): false {
  if (error instanceof LogUnavailable || error instanceof PositionConflict) return false;
  throw error;
}

const pause = (signal: AbortSignal, ms: number): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
