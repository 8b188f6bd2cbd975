import type { Alert } from '../../schemas/alert.ts';
import { type Principal, type PrincipalRef, principalKey } from '../../schemas/principal.ts';
import type { StepUp } from '../../schemas/session.ts';
import type { Standing } from '../../services/contain/decision.ts';
import type { MachineContext } from '../../services/contain/machine.ts';
import { BUILT_IN_POLICY, type ContainmentPolicy, definePolicy } from '../../services/contain/policy.ts';

export const NOW = 1_800_000_000_000;

export const human = (subject: string): Principal => ({ issuer: 'local', subject, human: true });
export const ada = human('ada');
export const ben = human('ben');
export const cleo = human('cleo');
export const bot: Principal = { issuer: 'local', subject: 'bot', human: false };

export const asker = (principal: PrincipalRef, credential?: string) => ({
  principal: { issuer: principal.issuer, subject: principal.subject },
  credential,
});

export const policyOf = (over: Partial<ContainmentPolicy> = {}): ContainmentPolicy =>
  definePolicy({ ...BUILT_IN_POLICY, ...over });

/** Ada, Ben and Cleo approve, the bot would like to; everybody else is nobody. */
export function standing(by: PrincipalRef): Standing {
  if (by.issuer !== 'local') return { human: false, roles: [] };
  if (['ada', 'ben', 'cleo'].includes(by.subject)) return { human: true, roles: ['approver'] };
  if (by.subject === 'vera') return { human: true, roles: ['viewer'] };
  return { human: false, roles: by.subject === 'bot' ? ['approver'] : [] };
}

/** Everybody authenticated for every vote at this time. */
export const freshAt =
  (authenticated: number): MachineContext['stepUpOf'] =>
  ({ issuer, subject }, credential = 'c'.repeat(16), { containment, digest }): StepUp => ({
    principal: { issuer, subject },
    credential,
    containment,
    digest,
    method: 'password',
    authenticated,
  });

export function contextOf(over: Partial<MachineContext> = {}): MachineContext {
  const now = over.now ?? NOW;
  return {
    now,
    policy: policyOf(),
    document: undefined,
    standingOf: standing,
    stepUpOf: freshAt(now),
    handsOf: (by) => new Set([principalKey(by)]),
    editorUntil: () => undefined,
    ...over,
  };
}

export function alertOf(over: Partial<Alert> = {}): Alert {
  return {
    uid: 'a'.repeat(32),
    revision: 1,
    status: 'open',
    tenant: 'default',
    identity: { id: 'agent-7', kind: 'agent', owner: 'payments' },
    sessions: ['s-1'],
    severity: 'high',
    bits: 31.5,
    created: NOW - 1000,
    updated: NOW - 1000,
    first_time: NOW - 2000,
    last_time: NOW - 1500,
    title: 'agent-7 exports what it never exported',
    summary: 'It sent 12 MB to a recipient that no one in its group has used.',
    findings: [],
    finding_count: 1,
    evidence: [{ key: 'e'.repeat(32), id: 'event-1', time: NOW - 1500 }],
    recommendation: {
      action: 'restrict_tool',
      target: 'mail.send',
      parameters: { tool: 'mail.send' },
      reason: 'the tool carried the data out',
    },
    techniques: [],
    ...over,
  };
}
