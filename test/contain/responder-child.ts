import type { Executor } from '../../services/contain/executor.ts';
import { createWebhookExecutor } from '../../services/contain/executors/webhook.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { startResponder } from '../../services/contain/responder.ts';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog, LogWrite } from '../../services/platform/event-log.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';

/** A responder as a process of its own, which kills itself at a named step: no handler runs, nothing is flushed. */
export type ChildOptions = {
  readonly path: string;
  readonly url: string;
  readonly secret: string;
  readonly instance: string;
  readonly diesAt?: DeathStep | undefined;
};

export const DEATH_STEPS = [
  'fence written',
  'proposal written',
  'approval written',
  'before dispatching',
  'dispatching written',
  'webhook sent',
  'before outcome',
  'outcome written',
] as const;
export type DeathStep = (typeof DEATH_STEPS)[number];

function die(): void {
  process.kill(process.pid, 'SIGKILL');
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
  return {
    ...log,
    async transact(write) {
      if (before !== undefined && says(write, before)) die();
      const appended = await log.transact(write);
      if (after !== undefined && says(write, after)) die();
      return appended;
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
const log = openSqliteLog({ path: options.path, clock: systemClock, telemetry: silentTelemetry() });
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
