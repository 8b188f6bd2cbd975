import type { Command, Outcome } from '../../schemas/command.ts';
import { type Role, SYSTEM, samePrincipal } from '../../schemas/principal.ts';
import { commandDigest } from '../control/command-bus.ts';
import { holderOf, keyRefusal, standingOf } from '../control/keys.ts';
import * as accounts from './accounts.ts';
import * as directives from './directives.ts';
import * as gaps from './gaps.ts';
import { harmlessObjection } from './harmless.ts';
import * as policies from './policies.ts';
import * as requests from './requests.ts';
import * as sessions from './sessions.ts';
import * as subscriptions from './subscriptions.ts';
import { tenantObjection } from './tenants.ts';
import { audit, cancelForAlert, change, refusal, type Turn, write } from './turn.ts';
import { onEffectReport } from './watches.ts';

/** Roles that may give each command; one of them is enough. Votes and cancellations ask the machine instead. */
const ROLES_FOR = {
  approve: undefined,
  deny: undefined,
  cancel: undefined,
  verdict: ['analyst', 'approver'],
  verdict_undo: ['analyst', 'approver'],
  directive_set: ['analyst', 'admin'],
  directive_end: ['analyst', 'admin'],
  user_add: ['admin'],
  user_remove: ['admin'],
  key_create: ['admin'],
  key_revoke: undefined,
  subscription_set: ['admin'],
  subscription_remove: ['admin'],
  subscription_status: ['admin'],
  subscription_retry: ['admin'],
  report_gap: [],
  decide_gap: ['admin'],
  close_gap: [],
  containment_request: ['analyst', 'approver'],
  containment_amend: ['analyst', 'approver'],
  containment_rollback: ['analyst', 'approver'],
  containment_resolve: ['analyst', 'approver'],
  policy_set: ['admin'],
  session_start: [],
  session_end: undefined,
  sessions_end: undefined,
  step_up: [],
  link_create: ['admin'],
  password_set: undefined,
  key_rotate: undefined,
  roles_set: ['admin'],
  sign_in_refused: [],
  effect_report: [],
} as const satisfies Record<Command['type'], readonly Role[] | undefined>;

/** What processes of ours ask by themselves. No user can: nobody holds a key of the system. */
const OF_THE_SYSTEM: ReadonlySet<Command['type']> = new Set([
  'subscription_status',
  'subscription_retry',
  'report_gap',
  'close_gap',
  'session_start',
  'step_up',
  'sign_in_refused',
  'effect_report',
]);

/**
 * Decides one command and writes its outcome, or nothing when it was decided before. What the asker may do is looked up in
 * the control log as of now: a key that was revoked while the command was on its way counts for nothing.
 */
export function onCommand(turn: Turn, command: Command): void {
  if (turn.state.outcomes.has(command.id)) return;
  const outcome = admission(turn, command) ?? perform(turn, command);
  const what = `${command.type} ${outcome.kind === 'done' ? 'done' : `refused: ${outcome.code}`}`;
  write(turn, {
    ...audit(turn, { who: command.by, what }),
    kind: 'command_outcome',
    command: command.id,
    command_digest: commandDigest(command),
    outcome,
  });
  if (outcome.kind === 'refused') {
    turn.notes.push({ name: 'commands_refused', labels: { code: outcome.code }, fields: { command: command.type } });
  }
}

/** Why the asker may not give this command at all; undefined when it may. */
function admission(turn: Turn, command: Command): Outcome | undefined {
  const { state, context } = turn;
  if (samePrincipal(command.by, SYSTEM)) {
    return OF_THE_SYSTEM.has(command.type) ? undefined : refusal('role_missing', 'the system may not ask this');
  }
  const { credential } = command;
  if (credential === undefined) return refusal('credential_refused', 'the command names no key');
  const reason = keyRefusal(state, credential, context.now);
  const holder = holderOf(state, credential);
  if (reason !== undefined || holder === undefined || !samePrincipal(holder, command.by)) {
    return refusal('credential_refused', 'the key is unknown, revoked, expired or of somebody else; use a valid one');
  }
  const needed: readonly Role[] | undefined = ROLES_FOR[command.type];
  const { roles } = standingOf(state, command.by, credential);
  if (needed === undefined || needed.some((role) => roles.includes(role))) return tenantObjection(state, command);
  if (needed.length === 0) return refusal('role_missing', 'only a process of the service itself may ask this');
  return refusal('role_missing', `it needs one of the roles ${needed.join(', ')}`);
}

function perform(turn: Turn, command: Command): Outcome {
  switch (command.type) {
    case 'approve':
    case 'deny':
    case 'cancel':
      return countersign(turn, command);
    case 'verdict':
      return judge(turn, command);
    case 'verdict_undo':
      return directives.undo(turn, command);
    case 'directive_set':
      return directives.set(turn, command);
    case 'directive_end':
      return directives.end(turn, command);
    case 'user_add':
      return accounts.addUser(turn, command);
    case 'user_remove':
      return accounts.removeUser(turn, command);
    case 'key_create':
      return accounts.createKey(turn, command);
    case 'key_revoke':
      return accounts.revokeKey(turn, command);
    case 'subscription_set':
      return subscriptions.set(turn, command);
    case 'subscription_remove':
      return subscriptions.remove(turn, command);
    case 'subscription_status':
      return subscriptions.status(turn, command);
    case 'subscription_retry':
      return subscriptions.retry(turn, command);
    case 'report_gap':
      return gaps.report(turn, command);
    case 'decide_gap':
      return gaps.decide(turn, command);
    case 'close_gap':
      return gaps.close(turn, command);
    case 'containment_request':
      return requests.request(turn, command);
    case 'containment_amend':
      return requests.amend(turn, command);
    case 'containment_rollback':
      return requests.rollBack(turn, command);
    case 'containment_resolve':
      return requests.resolve(turn, command);
    case 'policy_set':
      return policies.set(turn, command);
    case 'session_start':
      return sessions.start(turn, command);
    case 'session_end':
      return sessions.end(turn, command);
    case 'sessions_end':
      return sessions.endEvery(turn, command);
    case 'step_up':
      return sessions.stepUp(turn, command);
    case 'link_create':
      return sessions.createLink(turn, command);
    case 'password_set':
      return sessions.setPassword(turn, command);
    case 'key_rotate':
      return accounts.rotateKey(turn, command);
    case 'roles_set':
      return accounts.setRoles(turn, command);
    case 'sign_in_refused':
      return sessions.noteRefused(turn, command);
    case 'effect_report':
      return onEffectReport(turn, command);
  }
}

function countersign(turn: Turn, command: Extract<Command, { type: 'approve' | 'deny' | 'cancel' }>): Outcome {
  const by = { principal: command.by, credential: command.credential };
  const asked =
    command.type === 'cancel'
      ? ({ type: 'cancel', by, reason: 'withdrawn' } as const)
      : ({ type: command.type, by, digest: command.digest, comment: command.comment } as const);
  const cause = { who: command.by, command: command.id };
  const decision = change(turn, command.containment, asked, cause);
  if (decision.kind === 'refused') return refusal(decision.code, decision.message);
  return { kind: 'done', subject: command.containment, state: decision.next.state };
}

/** A verdict reaches the baseline of its identity through the log, and ends what waits for approval if it says harmless. */
function judge(turn: Turn, command: Extract<Command, { type: 'verdict' }>): Outcome {
  const { alert_uid, tenant, identity } = command;
  const [known] = turn.state.byAlert.get(alert_uid) ?? [];
  const terms = known === undefined ? undefined : turn.state.containments.get(known)?.terms;
  if (terms !== undefined && (terms.tenant !== tenant || terms.identity.id !== identity)) {
    return refusal('verdict_identity_mismatch', 'the alert is about another identity');
  }
  const objection = harmlessObjection(turn, command);
  if (objection !== undefined) return objection;
  const left = directives.ofVerdict(turn, command);
  if (left !== undefined && 'kind' in left) return left;
  const verdict = {
    alert_uid,
    tenant,
    identity,
    verdict: command.verdict,
    author: `${command.by.issuer}/${command.by.subject}`,
    time: turn.context.now,
    ...(command.comment !== undefined && { comment: command.comment }),
    ...(command.scope !== undefined && { scope: command.scope }),
  };
  const cause = { who: command.by, command: command.id };
  write(turn, { ...audit(turn, { ...cause, what: `verdict ${command.verdict}` }), kind: 'verdict_given', verdict });
  turn.verdicts.push(verdict);
  directives.replaceOfAlert(turn, alert_uid, command, 'judged again');
  if (left !== undefined) directives.enact(turn, left, command);
  if (command.verdict !== 'true_positive') cancelForAlert(turn, alert_uid, command.verdict, cause);
  return { kind: 'done', subject: alert_uid, state: command.verdict };
}
