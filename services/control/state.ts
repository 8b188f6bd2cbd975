import type { Outcome } from '../../schemas/command.ts';
import { type Containment, type ContainmentState, OPEN_STATES } from '../../schemas/containment.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import type { GapIncident } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type ApiKey, type Principal, type PrincipalRef, principalKey, type Role } from '../../schemas/principal.ts';
import type { StepUp } from '../../schemas/session.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import { type AuditState, applyAudit, emptyAuditState } from './audit-state.ts';
import { type Directives, endDirective, type Judgement, setDirective, undoVerdict } from './directives.ts';
import { closeGap, decideGap, openGap } from './gap-states.ts';
import { type Made, madeBy, namedBy, type PolicyEntry, setPolicy } from './policies.ts';
import { applySignIn, emptySignIns, handedOut, isSignIn, revokeSignIns, type SignIns } from './sessions.ts';
import { rememberStepUp } from './step-ups.ts';

export type PrincipalEntry = {
  readonly principal: Principal;
  readonly roles: readonly Role[];
  readonly created: number;
  readonly created_by: PrincipalRef;
  /** Who else made it or its roles, the last time each, oldest first. */
  readonly made: readonly Made[];
  readonly revoked: number | undefined;
};

export type KeyEntry = {
  readonly key: ApiKey;
  readonly revoked: number | undefined;
  readonly replaced_by?: string;
};

type ResponderEntry = {
  readonly epoch: number;
  readonly instance: string;
  readonly since: number;
  /** None: nothing can be executed, and approved containments will expire. */
  readonly executors: readonly string[];
};

/**
 * What the control log says, folded. It belongs to one owner, who alone applies records to it; everybody else reads.
 * Maps keep the order of insertion, which bounds them deterministically: the oldest goes first.
 */
export type ControlState = SignIns & {
  readonly containments: Map<string, Containment>;
  /** Ids of pending, approved and dispatching containments: what time can still change. */
  readonly open: Set<string>;
  /** Ids of ended containments, oldest end first. */
  readonly ended: Set<string>;
  /** Containment ids by alert uid. */
  readonly byAlert: Map<string, string[]>;
  /** By `principalKey`. */
  readonly principals: Map<string, PrincipalEntry>;
  readonly keys: Map<string, KeyEntry>;
  /** The last fresh authentication by credential and containment, oldest first. */
  readonly stepUps: Map<string, StepUp>;
  readonly subscriptions: Map<string, SubscriptionEntry>;
  readonly outcomes: Map<string, { readonly digest: string; readonly outcome: Outcome }>;
  /** The latest judgements of an alert by its uid, oldest first. */
  readonly verdicts: Map<string, readonly Judgement[]>;
  /** By uid, oldest first; those in force, and the last ones that are not. */
  readonly directives: Directives;
  /** By id: unclosed ones in the order in which they were opened, closed ones in that in which they were closed. */
  readonly gaps: Map<string, GapIncident>;
  /** The containment policy in force, on top of what the configuration asks for. */
  policy: PolicyEntry | undefined;
  /** Its last versions, oldest first. */
  readonly policies: PolicyEntry[];
  /** Until when those who edited the policy stand back, by `principalKey`. Epoch milliseconds. */
  readonly policyEditors: Map<string, number>;
  readonly audit: AuditState;
  responder: ResponderEntry | undefined;
};

export function emptyControlState(): ControlState {
  return {
    ...emptySignIns(),
    containments: new Map(),
    open: new Set(),
    ended: new Set(),
    byAlert: new Map(),
    principals: new Map(),
    keys: new Map(),
    stepUps: new Map(),
    subscriptions: new Map(),
    outcomes: new Map(),
    verdicts: new Map(),
    directives: new Map(),
    gaps: new Map(),
    policy: undefined,
    policies: [],
    policyEditors: new Map(),
    audit: emptyAuditState(),
    responder: undefined,
  };
}

/**
 * Folds one record into the state, in place, and returns it. A function of state and record alone: the same log gives
 * the same state in every process.
 */
export function applyControl(state: ControlState, record: ControlRecord): ControlState {
  if (isSignIn(record)) return applySignIn(state, record);
  switch (record.kind) {
    case 'responder_fence':
      return applyFence(state, record);
    case 'containment_changed':
      return applyContainment(state, record.containment);
    case 'principal_created':
      return createPrincipal(state, record);
    case 'principal_revoked':
      return revokePrincipal(state, record.principal, record.when);
    case 'key_created':
      state.keys.set(record.key.id, { key: record.key, revoked: undefined });
      return handedOut(state, record.key.principal, record);
    case 'key_revoked':
      return revokeKey(state, record.key, record.when);
    case 'stepped_up':
      rememberStepUp(state.stepUps, record.step_up);
      return state;
    case 'subscription_set':
      state.subscriptions.set(record.subscription.id, {
        subscription: record.subscription,
        status: { state: 'active', reason: 'set', since: record.when },
        set_by: record.who,
      });
      return state;
    case 'subscription_removed':
      state.subscriptions.delete(record.subscription);
      return state;
    case 'subscription_status': {
      const entry = state.subscriptions.get(record.subscription);
      if (entry !== undefined) state.subscriptions.set(record.subscription, { ...entry, status: record.status });
      return state;
    }
    case 'subscription_retried':
      return state;
    case 'verdict_given':
      return applyVerdict(state, record.verdict);
    case 'verdict_undone': {
      const { alert_uid, who, when, reason } = record;
      const judged = state.verdicts.get(alert_uid);
      if (judged !== undefined) state.verdicts.set(alert_uid, undoVerdict(judged, { by: who, when, reason }));
      return state;
    }
    case 'directive_set':
      setDirective(state.directives, record.directive, record.when);
      return state;
    case 'directive_ended': {
      const { directive, who, when, reason } = record;
      endDirective(state.directives, directive, { by: who, when, reason });
      return state;
    }
    case 'gap_opened':
      openGap(state.gaps, record.gap, record.when);
      return state;
    case 'gap_decided': {
      const { who, resume, reason, when } = record;
      decideGap(state.gaps, record.gap, { by: who, resume, reason, when });
      return state;
    }
    case 'gap_closed':
      closeGap(state.gaps, record.gap, { when: record.when, resumed_at: record.resumed_at });
      return state;
    case 'policy_set':
      setPolicy(state, record);
      return state;
    case 'command_outcome':
      state.outcomes.set(record.command, { digest: record.command_digest, outcome: record.outcome });
      dropOldest(state.outcomes, LIMITS.outcomes_max);
      return state;
    case 'audit_key_set':
    case 'checkpoint_signed':
    case 'configuration_changed':
      applyAudit(state.audit, record);
      return state;
  }
}

function applyFence(state: ControlState, record: Extract<ControlRecord, { kind: 'responder_fence' }>): ControlState {
  const { epoch, instance, when: since, executor, executors } = record;
  state.responder = { epoch, instance, since, executors: executors ?? (executor === undefined ? [] : [executor]) };
  return state;
}

const OPEN: ReadonlySet<ContainmentState> = new Set(OPEN_STATES);

function applyContainment(state: ControlState, containment: Containment): ControlState {
  const { id } = containment;
  const uid = containment.terms.alert.uid;
  if (!state.containments.has(id)) state.byAlert.set(uid, [...(state.byAlert.get(uid) ?? []), id]);
  state.containments.set(id, containment);
  if (OPEN.has(containment.state)) {
    state.open.add(id);
    return state;
  }
  state.open.delete(id);
  state.ended.add(id);
  while (state.ended.size > LIMITS.containments_ended_max) {
    const [oldest] = state.ended;
    if (oldest !== undefined) forget(state, oldest);
  }
  return state;
}

function forget(state: ControlState, id: string): void {
  const uid = state.containments.get(id)?.terms.alert.uid;
  state.ended.delete(id);
  state.containments.delete(id);
  if (uid === undefined) return;
  const others = (state.byAlert.get(uid) ?? []).filter((other) => other !== id);
  if (others.length === 0) state.byAlert.delete(uid);
  else state.byAlert.set(uid, others);
}

function applyVerdict(state: ControlState, verdict: Verdict): ControlState {
  const uid = verdict.alert_uid;
  const all = [...(state.verdicts.get(uid) ?? []), verdict];
  // What was judged last is forgotten last.
  state.verdicts.delete(uid);
  state.verdicts.set(uid, all.slice(-LIMITS.verdicts_per_alert_max));
  dropOldest(state.verdicts, LIMITS.verdicts_alerts_max);
  return state;
}

function createPrincipal(
  state: ControlState,
  { principal, roles, who, when }: Extract<ControlRecord, { kind: 'principal_created' }>,
): ControlState {
  const entry = {
    principal,
    roles,
    created: when,
    created_by: who,
    made: [],
    revoked: undefined,
  };
  state.principals.set(principalKey(principal), namedBy(state, madeBy(state, entry, who, when)));
  return state;
}

function revokePrincipal(state: ControlState, principal: PrincipalRef, when: number): ControlState {
  const name = principalKey(principal);
  const entry = state.principals.get(name);
  if (entry !== undefined) state.principals.set(name, { ...entry, revoked: when });
  for (const { key } of state.keys.values()) {
    if (principalKey(key.principal) === name) revokeKey(state, key.id, when);
  }
  revokeSignIns(state, principal, when);
  return state;
}

function revokeKey(state: ControlState, id: string, when: number): ControlState {
  const entry = state.keys.get(id);
  if (entry !== undefined && entry.revoked === undefined) state.keys.set(id, { ...entry, revoked: when });
  return state;
}

function dropOldest<T>(map: Map<string, T>, most: number): void {
  while (map.size > most) {
    const [oldest] = map.keys();
    if (oldest !== undefined) map.delete(oldest);
  }
}
