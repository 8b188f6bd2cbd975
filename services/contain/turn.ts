import type { Outcome, Refusal } from '../../schemas/command.ts';
import type { Containment } from '../../schemas/containment.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type PrincipalRef, SYSTEM } from '../../schemas/principal.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import { standingOf } from '../control/keys.ts';
import { editorUntil, handsOf } from '../control/policies.ts';
import { applyControl, type ControlState } from '../control/state.ts';
import { stepUpOf } from '../control/step-ups.ts';
import type { OccurrenceName } from '../platform/occurrences.ts';
import type { Announcement } from './directives.ts';
import { type ExecutorFacts, executorFor, orderOf } from './executor.ts';
import { type Decision, decide, dueAt, type Effect, type MachineCommand, type MachineContext } from './machine.ts';
import type { ContainmentPolicy } from './policy.ts';
import type { Watching } from './watches.ts';

/** What the responder knows besides the control log when it decides. */
export type TurnContext = {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly policy: ContainmentPolicy;
  readonly executors: readonly ExecutorFacts[];
  /** False while denials may be among what cannot be read. */
  readonly dispatches: boolean;
};

/**
 * One turn of the responder: inputs in, records out. Each record is folded into the state at once, so that later inputs of
 * the same turn see it; the turn is then written as one transaction, or the responder stops and its state with it.
 */
export type Turn = {
  readonly state: ControlState;
  readonly context: TurnContext;
  readonly records: ControlRecord[];
  /** To be appended to the partitions of their identities, in the same transaction. */
  readonly verdicts: Verdict[];
  /** To be appended to the partitions that they concern, behind the verdicts. */
  readonly announcements: Announcement[];
  /** Effects to be watched, for the partitions of their identities. */
  readonly watches: Watching[];
  /** To be carried out once the transaction is durable. */
  readonly effects: { readonly containment: Containment; readonly effect: Effect }[];
  /** To be counted and logged once the transaction is durable. */
  readonly notes: {
    readonly name: OccurrenceName;
    readonly labels: Record<string, string>;
    readonly fields?: object;
  }[];
};

export function openTurn(state: ControlState, context: TurnContext): Turn {
  return { state, context, records: [], verdicts: [], announcements: [], watches: [], effects: [], notes: [] };
}

type Audit = { readonly who: PrincipalRef; readonly what: string; readonly command?: string | undefined };

/** The audit fields that every control record carries. */
export function audit(turn: Turn, { who, what, command }: Audit) {
  return {
    v: 1 as const,
    who: { issuer: who.issuer, subject: who.subject },
    when: turn.context.now,
    what,
    ...(command !== undefined && { command }),
  };
}

export function write(turn: Turn, record: ControlRecord): void {
  turn.records.push(record);
  applyControl(turn.state, record);
}

type Cause = { readonly who: PrincipalRef; readonly command?: string | undefined };

/** What the machine decides on: the control log as of now, and what the configuration asks for. */
export function machineContext({ state, context }: Pick<Turn, 'state' | 'context'>): MachineContext {
  return {
    now: context.now,
    policy: context.policy,
    document: state.policy?.document,
    standingOf: (by, credential) => standingOf(state, by, credential),
    stepUpOf: (by, credential, of) => stepUpOf(state, by, credential, of),
    handsOf: (by, at) => handsOf(state, by, at),
    editorUntil: (by) => editorUntil(state, by),
  };
}

/** Asks the machine, and writes what it changes. */
export function change(turn: Turn, id: string, command: MachineCommand, cause: Cause): Decision {
  const { state } = turn;
  const before = state.containments.get(id);
  const decision = decide(before, command, machineContext(turn));
  if (decision.kind === 'refused') return decision;
  const { next } = decision;
  const emergency = next.terms.break_glass === undefined ? '' : ', breaking the glass';
  const what = `containment ${id}: ${before?.state ?? 'none'} -> ${next.state} by ${command.type}${emergency}`;
  write(turn, {
    ...audit(turn, { ...cause, what }),
    kind: 'containment_changed',
    containment: next,
    ...(before !== undefined && { from: before.state }),
  });
  if (next.effect !== undefined && before?.effect === undefined) turn.watches.push({ watch: next.effect.watch });
  for (const effect of decision.effects) turn.effects.push({ containment: next, effect });
  if (before?.state !== next.state) {
    turn.notes.push({ name: 'containments_changed', labels: { state: next.state }, fields: { containment: id } });
  }
  return decision;
}

const BY_SYSTEM: Cause = { who: SYSTEM };
const SYSTEM_ASKER = { principal: SYSTEM, credential: undefined };

/** Calls off whatever of this alert still can be: its judgement says that nothing needs containing. */
export function cancelForAlert(
  turn: Turn,
  uid: string,
  verdict: 'false_positive' | 'expected_change',
  cause: Cause = BY_SYSTEM,
): void {
  for (const id of turn.state.byAlert.get(uid) ?? []) {
    // An alert that was none is what a roll-back is for.
    if (turn.state.containments.get(id)?.terms.origin?.kind === 'rollback') continue;
    change(turn, id, { type: 'cancel', by: SYSTEM_ASKER, reason: `alert_${verdict}` }, cause);
  }
}

/** Lets time do its part: silence denies, and what was not carried out in time is over. */
export function passTime(turn: Turn): void {
  const { state, context } = turn;
  for (const id of [...state.open]) {
    const containment = state.containments.get(id);
    const due = containment && dueAt(containment, context.policy);
    if (due !== undefined && context.now >= due) change(turn, id, { type: 'tick' }, BY_SYSTEM);
  }
}

/** Whether anything waits to be dispatched. */
export function hasApproved({ open, containments }: ControlState): boolean {
  return [...open].some((id) => containments.get(id)?.state === 'approved');
}

/**
 * Dispatches what is approved, as far as an executor and its slots allow. Only for a turn that has decided every command
 * that was there when it began: a withdrawal or a revoked key that is durable already must not come too late.
 */
export function dispatchApproved(turn: Turn): void {
  const { state, context } = turn;
  if (!context.dispatches) return;
  let running = 0;
  for (const id of state.open) running += state.containments.get(id)?.state === 'dispatching' ? 1 : 0;
  for (const id of [...state.open]) {
    if (running >= LIMITS.executions_in_flight_max) return;
    const containment = state.containments.get(id);
    if (containment?.state !== 'approved') continue;
    const executor = executorOf(context, containment);
    if (executor === undefined) continue;
    const decision = change(turn, id, { type: 'dispatch', executor: executor.name }, BY_SYSTEM);
    if (decision.kind === 'changed') running += 1;
    // Approvals that no longer hold do not come back: ended now, and on record, rather than by silence later.
    else change(turn, id, { type: 'cancel', by: SYSTEM_ASKER, reason: 'quorum_lost' }, BY_SYSTEM);
  }
}

/** The executor that the approvers were told of, if it is still there; for terms that name none, who would be now. */
function executorOf({ executors }: TurnContext, { terms }: Containment): ExecutorFacts | undefined {
  if (terms.executor === undefined) return executorFor(executors, orderOf(terms));
  return executors.find(({ name }) => name === terms.executor);
}

/** Takes up dispatches of an earlier responder whose outcome is not on record, if asking again is safe. */
export function resume(turn: Turn): void {
  const { state, context } = turn;
  for (const id of [...state.open]) {
    const { execution } = state.containments.get(id) ?? {};
    const executor = context.executors.find(({ name }) => name === execution?.executor);
    if (executor?.repeatable === true) {
      change(turn, id, { type: 'retry' }, BY_SYSTEM);
    }
  }
}

/** When time next changes anything, epoch milliseconds. */
export function nextDue(state: ControlState, policy: ContainmentPolicy): number | undefined {
  let earliest: number | undefined;
  for (const id of state.open) {
    const containment = state.containments.get(id);
    const due = containment === undefined ? undefined : dueAt(containment, policy);
    if (due !== undefined && (earliest === undefined || due < earliest)) earliest = due;
  }
  return earliest;
}

export function refusal(code: Refusal, message: string): Outcome {
  return { kind: 'refused', code, message };
}
