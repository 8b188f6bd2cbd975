import fs from 'node:fs';
import type { Executor } from '../../services/contain/executor.ts';
import { createWebhookExecutor } from '../../services/contain/executors/webhook.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { startResponder } from '../../services/contain/responder.ts';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog, LogWrite } from '../../services/platform/event-log.ts';
import { openKafkaLog } from '../../services/platform/kafka/kafka-log.ts';
import type { KafkaSettings } from '../../services/platform/kafka/settings.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';

/**
 * A responder as a process of its own, which at a named step kills itself, so that no handler runs and nothing is flushed,
 * or is paused as by the scheduler of a machine that has no time for it.
 */
export type ChildOptions = {
  /** Of the embedded log; or how to reach Kafka. */
  readonly place: { readonly path: string } | { readonly kafka: KafkaSettings };
  readonly url: string;
  readonly secret: string;
  readonly instance: string;
  readonly diesAt?: DeathStep | undefined;
  /** Paused at the step, the first time, in place of killed; it says so before. */
  readonly pauses?: boolean;
};

export const DEATH_STEPS = [
  'fence written',
  'proposal written',
  'approval written',
  'before dispatching',
  'dispatching written',
  'asked before sending',
  'webhook sent',
  'before outcome',
  'outcome written',
] as const;
export type DeathStep = (typeof DEATH_STEPS)[number];

let paused = false;

function die(): void {
  if (options.pauses !== true) return void process.kill(process.pid, 'SIGKILL');
  if (paused) return;
  paused = true;
  fs.writeSync(1, 'paused\n');
  process.kill(process.pid, 'SIGSTOP');
}

/** True when a write holds a record that says so. */
function says(write: LogWrite, text: string): boolean {
  return write.records.some(({ value }) => value.includes(text));
}

const STATE = (state: string): string => `"state":"${state}","terms"`;
const BEFORE: Partial<Record<DeathStep, string>> = {
  'before dispatching': STATE('dispatching'),
  'before outcome': STATE('succeeded'),
};
const AFTER: Partial<Record<DeathStep, string>> = {
  'fence written': '"kind":"responder_fence"',
  'proposal written': STATE('pending'),
  'approval written': STATE('approved'),
  'dispatching written': STATE('dispatching'),
  'outcome written': STATE('succeeded'),
};

function mortalLog(log: EventLog, step: DeathStep | undefined): EventLog {
  const before = step && BEFORE[step];
  const after = step && AFTER[step];
  let dispatched = false;
  return {
    ...log,
    async transact(write) {
      if (before !== undefined && says(write, before)) die();
      const appended = await log.transact(write);
      dispatched ||= says(write, STATE('dispatching'));
      if (after !== undefined && says(write, after)) die();
      return appended;
    },
    async position(name) {
      const position = await log.position(name);
      // The answer was true when it was given.
      if (dispatched && step === 'asked before sending') die();
      return position;
    },
  };
}

function mortalExecutor(executor: Executor, step: DeathStep | undefined): Executor {
  if (step !== 'webhook sent') return executor;
  return {
    ...executor,
    async execute(request, attempt, signal) {
      const result = await executor.execute(request, attempt, signal);
      die();
      return result;
    },
  };
}

const options: ChildOptions = JSON.parse(process.argv[2] ?? '{}');
const seams = { clock: systemClock, telemetry: silentTelemetry() };
const { place } = options;
const log = await ('path' in place
  ? openSqliteLog({ path: place.path, ...seams })
  : openKafkaLog({ settings: place.kafka, ...seams }));
const made = createWebhookExecutor({ url: options.url, secret: options.secret, clock: systemClock });
if (made.kind === 'refused') throw new Error(made.problem.message);
const responder = startResponder({
  log: mortalLog(log, options.diesAt),
  clock: systemClock,
  telemetry: silentTelemetry(),
  policy: BUILT_IN_POLICY,
  executors: [mortalExecutor(made.executor, options.diesAt)],
  instance: options.instance,
});
process.once('SIGTERM', () => responder.stop());
const end = await responder.ended;
await log.close();
process.stdout.write(`${end.kind}\n`);
