import type { Alert } from '../../schemas/alert.ts';
import type { Command } from '../../schemas/command.ts';
import type { Containment, ContainmentState } from '../../schemas/containment.ts';
import { LOCAL_ISSUER, type PrincipalRef, SYSTEM } from '../../schemas/principal.ts';
import type { ExecutionRequest, ExecutionResult, Executor } from '../../services/contain/executor.ts';
import { BUILT_IN_POLICY, type ContainmentPolicy } from '../../services/contain/policy.ts';
import { type Responder, startResponder } from '../../services/contain/responder.ts';
import type { Auditing } from '../../services/control/auditor.ts';
import { bootstrapCredentials, type Credential, type FirstPrincipal } from '../../services/control/bootstrap.ts';
import { type Answer, type CommandBus, createCommandBus } from '../../services/control/command-bus.ts';
import { type ControlView, openControlView } from '../../services/control/view.ts';
import type { Clock } from '../../services/platform/clock.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import type { SimulatedDisk } from '../support/simulated-log.ts';

/** Bytes that look random and are the same in every run. */
export function countingBytes(): (size: number) => Buffer {
  let count = 0;
  return (size) => Buffer.alloc(size, ++count);
}

const person = (subject: string, ...roles: FirstPrincipal['roles']): FirstPrincipal => ({
  principal: { issuer: LOCAL_ISSUER, subject, human: true },
  roles,
});

export const PEOPLE: readonly FirstPrincipal[] = [
  person('admin', 'admin', 'analyst', 'approver', 'viewer'),
  person('ben', 'approver'),
  person('vera', 'viewer'),
  person('olga', 'admin'),
  { principal: { issuer: LOCAL_ISSUER, subject: 'automat', human: false }, roles: ['admin'] },
  { principal: { issuer: LOCAL_ISSUER, subject: 'robot', human: false }, roles: ['analyst', 'approver'] },
];

type BodyOf<T> = T extends Command ? Omit<T, 'id' | 'by' | 'credential' | 'time'> : never;
/** What a request asks, without who asked and when. */
export type Body = BodyOf<Command>;

/** What a person does through the API: the same bus, with the same fields set by whoever authenticated. */
export type Desk = {
  readonly view: ControlView;
  readonly bus: CommandBus;
  /** Whoever votes has authenticated for it right before. */
  ask(subject: string, body: Body, id?: string): Promise<Answer>;
  /** The command as it goes to the log. */
  command(subject: string, body: Body, id?: string): Command;
  /** Resolves once a containment is in one of the states. */
  reaches(...states: ContainmentState[]): Promise<Containment>;
  /** The only containment there is. */
  only(): Containment;
};

export async function bootstrapPeople(log: EventLog, clock: Clock): Promise<readonly Credential[]> {
  return bootstrapCredentials(log, { clock, randomBytes: countingBytes() }, PEOPLE);
}

/** What a process of ours tells once it has seen that whoever votes has authenticated again. */
export function freshly(vote: Extract<Command, { type: 'approve' | 'deny' }>, authenticated: number): Command {
  const { id, by, credential = '', containment, digest } = vote;
  const step_up = { principal: by, credential, containment, digest, method: 'password', authenticated } as const;
  return {
    id: `fresh-for-${id}`,
    by: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
    time: authenticated,
    type: 'step_up',
    step_up,
  };
}

export async function openDesk(log: EventLog, clock: Clock, timeout_ms?: number): Promise<Desk> {
  const view = await openControlView(log, clock);
  const bus = createCommandBus({ log, view, clock, ...(timeout_ms !== undefined && { timeout_ms }) });
  let asked = 0;
  const command = (subject: string, body: Body, id = `${subject}-${++asked}-command`): Command => {
    const by: PrincipalRef = { issuer: LOCAL_ISSUER, subject };
    const key = [...view.state.keys.values()].find((entry) => entry.key.principal.subject === subject);
    return { ...body, id, by, time: clock.now(), ...(key && { credential: key.key.id }) } as Command;
  };
  const only = (): Containment => {
    const [first, second] = view.state.containments.values();
    if (first === undefined || second !== undefined) throw new Error('there is not exactly one containment');
    return first;
  };
  return {
    view,
    bus,
    command,
    ask: async (subject, body, id) => {
      const asked = command(subject, body, id);
      if (asked.type === 'approve' || asked.type === 'deny') await bus.ask(freshly(asked, clock.now()));
      return bus.ask(asked);
    },
    only,
    reaches: (...states) =>
      until(view, () => [...view.state.containments.values()].find(({ state }) => states.includes(state))),
  };
}

export function until<T>(view: ControlView, look: () => T | undefined): Promise<T> {
  return new Promise((resolve) => {
    const found = look();
    if (found !== undefined) return resolve(found);
    const stop = view.listen(() => {
      const value = look();
      if (value === undefined) return;
      stop();
      resolve(value);
    });
  });
}

export async function feed(log: EventLog, ...alerts: Alert[]): Promise<void> {
  const records = alerts.map((alert) => ({
    topic: TOPICS.feed,
    partition: 0,
    key: alert.uid,
    value: Buffer.from(JSON.stringify(alert)),
  }));
  await log.transact({ records });
}

/** The topic as if deleted and made anew. */
export function remake(disk: SimulatedDisk, topic: typeof TOPICS.feed | typeof TOPICS.commands): void {
  const held = disk.topics.get(topic);
  if (held === undefined) throw new Error(`there is no ${topic}`);
  const partitions = held.partitions.map(() => ({ start: 0, end: 0, append_ms: 0, records: [] }));
  (disk.topics as Map<string, typeof held>).set(topic, { generation: `${held.generation}-again`, partitions });
}

export type Answering = (request: ExecutionRequest, attempt: number, signal: AbortSignal) => Promise<ExecutionResult>;

/** An executor that writes down what it was asked to do. */
export function recordingExecutor(
  answer: Answering = async () => ({ kind: 'done', detail: 'HTTP 204' }),
  repeatable = true,
): Executor & { readonly requests: ExecutionRequest[] } {
  const requests: ExecutionRequest[] = [];
  return {
    name: 'recording',
    idempotent: repeatable,
    canProbe: repeatable,
    requests,
    carriesOut: () => true,
    dryRun: (request) => request.action,
    execute(request, attempt, signal) {
      requests.push(request);
      return answer(request, attempt, signal);
    },
  };
}

export function respond(
  log: EventLog,
  clock: Clock,
  { executor, ...over }: { executor?: Executor; policy?: ContainmentPolicy; instance?: string; audit?: Auditing } = {},
): Responder {
  return startResponder({
    log,
    clock,
    telemetry: silentTelemetry(),
    policy: BUILT_IN_POLICY,
    instance: 'first',
    executors: executor === undefined ? [] : [executor],
    ...over,
  });
}
