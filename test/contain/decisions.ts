import assert from 'node:assert/strict';
import type { Alert } from '../../schemas/alert.ts';
import { Command, type Outcome } from '../../schemas/command.ts';
import type { Containment } from '../../schemas/containment.ts';
import { ControlRecord } from '../../schemas/control.ts';
import { UNITS } from '../../schemas/limits.ts';
import { LOCAL_ISSUER, type Role } from '../../schemas/principal.ts';
import { onAlert } from '../../services/contain/alerts.ts';
import { onCommand } from '../../services/contain/commands.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { dispatchApproved, openTurn, passTime, type Turn } from '../../services/contain/turn.ts';
import { applyControl, type ControlState, emptyControlState } from '../../services/control/state.ts';
import { type Body, freshly } from './harness.ts';
import { alertOf, NOW } from './samples.ts';

export const ref = (subject: string) => ({ issuer: LOCAL_ISSUER, subject });
export const keyOf = (subject: string): string => Buffer.from(subject.padEnd(8, '-').slice(0, 8)).toString('hex');

let state: ControlState = emptyControlState();
let now = NOW;
let commands = 0;

export const audit = { v: 1, who: ref('setup'), what: '' } as const;

export function person(
  subject: string,
  roles: Role[],
  over: { human?: boolean; by?: string; when?: number } = {},
): void {
  const { human = true, by = 'setup', when = NOW - 10 * UNITS.DAY_MS } = over;
  const made = { ...audit, who: ref(by), when };
  const key = {
    id: keyOf(subject),
    hash: '0'.repeat(64),
    principal: ref(subject),
    roles,
    created: when,
    created_by: ref(by),
  };
  applyControl(state, { ...made, kind: 'principal_created', principal: { ...ref(subject), human }, roles });
  applyControl(state, { ...made, kind: 'key_created', key });
}

/** People, and nothing else, at the start of every test. */
export function anew(): void {
  state = emptyControlState();
  now = NOW;
  commands = 0;
  person('anna', ['analyst']);
  person('ada', ['approver']);
  person('ben', ['approver']);
  person('root', ['admin', 'analyst', 'approver']);
  person('olga', ['admin']);
  person('robot', ['analyst', 'admin'], { human: false });
  person('vera', ['viewer']);
}

export const stateNow = (): ControlState => state;
export const timeNow = (): number => now;
export const passTo = (ms: number): void => {
  now = ms;
};

export function turn(work: (turn: Turn) => void): Turn {
  const executors = [{ name: 'webhook', carriesOut: () => true, repeatable: true }];
  const opened = openTurn(state, { now, policy: BUILT_IN_POLICY, executors, dispatches: true });
  work(opened);
  // What is decided must be what the log can hold.
  for (const record of opened.records) ControlRecord.parse(record);
  return opened;
}

export function ask(subject: string, body: Body): Outcome {
  const id = `${subject}-${++commands}-command`;
  const command = Command.parse({ ...body, id, by: ref(subject), credential: keyOf(subject), time: now });
  turn((opened) => {
    if (command.type === 'approve' || command.type === 'deny') onCommand(opened, freshly(command, now));
    onCommand(opened, command);
  });
  const answer = state.outcomes.get(id);
  assert.ok(answer !== undefined);
  return answer.outcome;
}

export const raise = (over: Partial<Alert> = {}): Turn => turn((opened) => onAlert(opened, alertOf(over)));
export const all = (): Containment[] => [...state.containments.values()];
export const statesOf = (): string[] => all().map(({ state: one, cancellation }) => cancellation?.reason ?? one);
export const said = (outcome: Outcome): string | undefined =>
  outcome.kind === 'refused' ? outcome.code : outcome.state;
export const approve = (subject: string, { id, digest }: Containment): Outcome =>
  ask(subject, { type: 'approve', containment: id, digest });
export const pass = (): Turn =>
  turn((opened) => {
    passTime(opened);
    dispatchApproved(opened);
  });
export const recommending = (target: string): Partial<Alert> => ({
  recommendation: { ...alertOf().recommendation, target },
});

export function snapshotOf(alert: Alert) {
  const { identity, uid, revision, severity, title, summary, evidence } = alert;
  return { identity, alert: { uid, revision, severity, title, summary, evidence } };
}

export const requesting = (over: object = {}, alert = alertOf()): Body => ({
  type: 'containment_request',
  alert_uid: alert.uid,
  tenant: 'default',
  identity: 'agent-7',
  action: 'revoke_credential',
  target: 'key-7',
  parameters: {},
  why: 'it leaked',
  snapshot: snapshotOf(alert),
  ...over,
});

export function requested(subject = 'anna', over: object = {}): Containment {
  const outcome = ask(subject, requesting(over));
  assert.equal(outcome.kind, 'done', said(outcome));
  const found = outcome.kind === 'done' ? state.containments.get(outcome.subject) : undefined;
  assert.ok(found !== undefined);
  return found;
}
