import { z } from 'zod';
import { ContainmentAnswer } from '../../../schemas/api/containments.ts';
import { AmendBody, RequestBody, ResolveBody, RollbackBody } from '../../../schemas/api/requests.ts';
import { ContainmentId } from '../../../schemas/containment.ts';
import { type CommandBody, commandSubject } from '../commands.ts';
import { defined } from '../defined.ts';
import { Refused, refuse } from '../errors.ts';
import { requestCommand } from '../requests.ts';
import { type Asked, callerOf, type Route, route } from '../route.ts';
import { containmentAnswer } from './containments.ts';

const Id = z.object({ id: ContainmentId });
const ASKERS = ['analyst', 'approver'] as const;

const request = route({
  method: 'POST',
  url: '/v1/containments',
  access: ASKERS,
  tag: 'containments',
  summary: 'Ask for a containment because of an alert; others have to approve it. People only.',
  body: RequestBody,
  answer: ContainmentAnswer,
  status: 201,
  async handle(asked) {
    const { body, context } = asked;
    const alert = await context.ports.store.readAlert(body.tenant, body.alert_uid);
    if (alert === undefined) {
      return refuse('alert_unknown', {
        remedy: 'look for it with GET /v1/alerts; a new one takes a moment to be stored',
      });
    }
    return ask(asked, requestCommand(alert, body));
  },
});

const amend = route({
  method: 'POST',
  url: '/v1/containments/:id/amend',
  access: ASKERS,
  tag: 'containments',
  summary:
    'Change what a pending containment would do; its votes are void, and whoever asks is its requester. People only.',
  params: Id,
  body: AmendBody,
  answer: ContainmentAnswer,
  handle: (asked) => {
    const { digest, why, ...changes } = asked.body;
    return ask(asked, { type: 'containment_amend', containment: asked.params.id, digest, why, ...defined(changes) });
  },
});

const rollBack = route({
  method: 'POST',
  url: '/v1/containments/:id/rollback',
  access: ASKERS,
  tag: 'containments',
  summary: 'Ask to take back what a containment did; a request of its own, with approvals of its own. People only.',
  params: Id,
  body: RollbackBody,
  answer: ContainmentAnswer,
  status: 201,
  handle: (asked) => {
    const { why, break_glass } = asked.body;
    const of = { type: 'containment_rollback', containment: asked.params.id, why } as const;
    return ask(asked, { ...of, ...defined({ break_glass }) });
  },
});

const resolve = route({
  method: 'POST',
  url: '/v1/containments/:id/resolve',
  access: ASKERS,
  tag: 'containments',
  summary:
    'Say what became of a containment whose outcome or effect is unclear, after looking at its target. People only.',
  params: Id,
  body: ResolveBody,
  answer: ContainmentAnswer,
  handle: (asked) => ask(asked, { type: 'containment_resolve', containment: asked.params.id, ...asked.body }),
});

export const requests: readonly Route[] = [request, amend, rollBack, resolve];

/** Asks the responder and answers with the containment that it was about. */
async function ask<Params extends z.ZodType | undefined, Body extends z.ZodType>(
  asked: Asked<Params, undefined, Body>,
  body: CommandBody,
): Promise<z.input<typeof ContainmentAnswer> | Refused> {
  const done = await commandSubject(asked, callerOf(asked), body);
  return done instanceof Refused ? done : containmentAnswer(done.subject, asked.context.ports);
}
