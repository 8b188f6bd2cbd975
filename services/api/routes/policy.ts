import { PolicyAnswer, PolicyBody, PolicyDryRunAnswer, PolicyDryRunBody } from '../../../schemas/api/policy.ts';
import type { PrincipalRef } from '../../../schemas/principal.ts';
import type { PolicyEntry } from '../../control/policies.ts';
import { command } from '../commands.ts';
import { defined } from '../defined.ts';
import type { Ports } from '../ports.ts';
import { callerOf, READERS, type Route, route } from '../route.ts';

const show = route({
  method: 'GET',
  url: '/v1/policy',
  access: [...READERS, 'admin'],
  tag: 'policy',
  summary: 'The containment policy in force, what the configuration asks for below it, and who may not approve for now',
  answer: PolicyAnswer,
  handle: async ({ context: { ports } }) => policyAnswer(ports),
});

const set = route({
  method: 'PUT',
  url: '/v1/policy',
  access: ['admin'],
  tag: 'policy',
  summary: 'Put a containment policy in force. Whoever does stands back as an approver for a time. People only.',
  body: PolicyBody,
  answer: PolicyAnswer,
  async handle(asked) {
    const refused = await command(asked, callerOf(asked), { type: 'policy_set', ...asked.body });
    return refused ?? policyAnswer(asked.context.ports);
  },
});

const dryRun = route({
  method: 'POST',
  url: '/v1/policy/dry-run',
  access: ['admin'],
  tag: 'policy',
  summary: 'What a policy would have meant for past containments; nothing is changed',
  body: PolicyDryRunBody,
  answer: PolicyDryRunAnswer,
  handle: async ({ body, context: { ports } }) => ports.policy.dryRun(body.policy),
});

export const policy: readonly Route[] = [show, set, dryRun];

function policyAnswer({ control: { state }, policy: { floor }, clock }: Ports): PolicyAnswer {
  const now = clock.now();
  const versions = state.policies.map(versionOf).reverse();
  const current = state.policy && { ...versionOf(state.policy), document: state.policy.document };
  const editors = [...state.policyEditors]
    .filter(([, until]) => until > now)
    .map(([name, until]) => ({ principal: principalOf(name), until }));
  const { version, approvals, roles, approval_expiry_ms, execution_expiry_ms } = floor;
  const asked = { version, approvals, roles: [...roles], approval_expiry_ms, execution_expiry_ms };
  return { ...defined({ policy: current }), floor: asked, versions, editors };
}

function versionOf({ document, digest, by, when, reason }: PolicyEntry): PolicyAnswer['versions'][number] {
  return { version: document.version, digest, by, when, reason };
}

function principalOf(key: string): PrincipalRef {
  const [issuer = '', subject = ''] = JSON.parse(key) as string[];
  return { issuer, subject };
}
