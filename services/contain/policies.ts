import type { Command, Outcome } from '../../schemas/command.ts';
import type { PolicyDocument } from '../../schemas/policy.ts';
import { standingOf } from '../control/keys.ts';
import { endProviderSessions } from './sessions.ts';
import { canonicalDigest } from './terms.ts';
import { audit, refusal, type Turn, write } from './turn.ts';

/**
 * Puts a policy in force for what is decided from now on. What waits already keeps the demands that its approvers were told
 * of; where the new ones are stricter, they count for it as well.
 */
export function set(turn: Turn, command: Extract<Command, { type: 'policy_set' }>): Outcome {
  const { by, credential, policy, reason } = command;
  if (!standingOf(turn.state, by, credential).human) return refusal('not_human', 'only a person changes the policy');
  const digest = canonicalDigest(policy);
  if (turn.state.policy?.digest === digest) return refusal('nothing_changed', 'this policy is in force already');
  const used = turn.state.policies.find(({ document }) => document.version === policy.version);
  if (used !== undefined && used.digest !== digest) {
    return refusal('policy_version_used', `version ${policy.version} was another policy; give this one another name`);
  }
  const before = canonicalDigest(turn.state.policy?.document.people ?? NOBODY);
  const what = `containment policy ${policy.version} set, ${policy.rules.length} rules, digest ${digest}`;
  write(turn, { ...audit(turn, { who: by, what, command: command.id }), kind: 'policy_set', policy, digest, reason });
  if (canonicalDigest(policy.people) !== before) endProviderSessions(turn, command);
  return { kind: 'done', subject: policy.version, state: 'in_force' };
}

const NOBODY: PolicyDocument['people'] = { claims: [], named: [] };
