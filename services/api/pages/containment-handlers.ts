import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Containment } from '../../../schemas/containment.ts';
import { LOCAL_ISSUER } from '../../../schemas/principal.ts';
import { stepUpOf } from '../../control/step-ups.ts';
import { StoreUnavailable } from '../../platform/store.ts';
import type { CommandBody } from '../commands.ts';
import { defined } from '../defined.ts';
import { Refused, refuseAs, STATUS_OF } from '../errors.ts';
import type { Context, Route } from '../route.ts';
import { previewOf } from '../routes/preview.ts';
import { containmentView, executorView } from '../views.ts';
import { containmentPage } from './containment-page.ts';
import type { Preview, StepUpWay } from './containment-view.ts';
import { AmendForm, CancelForm, parametersOf, ResolveForm, RollbackForm, VoteForm } from './forms.ts';
import type { Problem } from './frame.ts';
import { readFrozen } from './frozen.ts';
import { ask, mintOnce, type Person, page, personOf } from './page-route.ts';
import { previewRows } from './preview-view.ts';
import { problemOf } from './problems.ts';
import { problemFrom, sendPage } from './send.ts';
import { freshUntil, waysOf } from './ways.ts';

/** Loose, so that an address with something behind it still leads to its page. */
const Id = z.object({ id: z.string().max(128) });
const Told = z.object({ problem: z.string().max(64).optional().catch(undefined) });

const show = page({
  method: 'GET',
  url: '/containments/:id',
  summary: 'One containment: what is asked, why, by which rules, what became of it, and its forms',
  params: Id,
  query: Told,
  async handle(asked) {
    const person = personOf(asked);
    if (person instanceof Refused) return person;
    return answer(asked, person, asked.params.id, problemOf(asked.query.problem));
  },
});

const approve = act(
  { name: 'approve', summary: 'Approve it, as it was shown' },
  VoteForm,
  (containment, { digest, comment }) => ({
    type: 'approve',
    containment,
    digest,
    ...spoken(comment),
  }),
);
const deny = act(
  { name: 'deny', summary: 'Deny it; one denial ends it' },
  VoteForm,
  (containment, { digest, comment }) => ({
    type: 'deny',
    containment,
    digest,
    ...spoken(comment),
  }),
);
const cancel = act({ name: 'cancel', summary: 'Withdraw it before it is carried out' }, CancelForm, (containment) => ({
  type: 'cancel',
  containment,
}));
const rollback = act(
  { name: 'rollback', summary: 'Ask for what takes it back' },
  RollbackForm,
  (containment, { why, break_glass }) => ({
    type: 'containment_rollback',
    containment,
    why,
    ...(break_glass === 'yes' && { break_glass: { why } }),
  }),
);
const resolve = act(
  { name: 'resolve', summary: 'Say what became of it, where nothing else can' },
  ResolveForm,
  (containment, { took_effect, comment }) => ({
    type: 'containment_resolve',
    containment,
    took_effect: took_effect === 'yes',
    comment,
  }),
);
const amend = act(
  { name: 'amend', summary: 'Change what is asked; votes given so far are void' },
  AmendForm,
  (containment, form) => {
    const { digest, action, target, why } = form;
    return { type: 'containment_amend', containment, digest, action, target, why, parameters: parametersOf(form) };
  },
);

export const containmentPages: readonly Route[] = [show, approve, deny, cancel, amend, rollback, resolve];

/** An empty text area says nothing. */
const spoken = (comment: string | undefined): { comment?: string } =>
  comment === undefined || comment === '' ? {} : { comment };

/** A form that asks for something, and leads back to the page of what it was about. */
function act<Form extends z.ZodType<{ readonly once: string }>>(
  { name, summary }: { readonly name: string; readonly summary: string },
  form: Form,
  commandOf: (id: string, form: z.output<Form>) => CommandBody,
): Route {
  return page({
    method: 'POST',
    url: `/containments/:id/${name}`,
    summary,
    params: Id,
    body: form,
    async handle(asked) {
      const person = personOf(asked);
      if (person instanceof Refused) return person;
      const { id } = asked.params;
      if (find(asked, id) === undefined) return unknownContainment();
      // The schema above has made it of what was sent; the compiler cannot see that through the parameter.
      const given = asked.body as z.output<Form>;
      const done = await ask(asked, person, { body: commandOf(id, given), once: given.once });
      if (!(done instanceof Refused)) return asked.reply.redirect(`/containments/${done.subject}`, 303);
      asked.context.ports.telemetry.occurred('requests_refused', { code: done.code }, { request: asked.request.id });
      return answer(asked, person, id, withRemedy(done), STATUS_OF[done.code]);
    },
  });
}

type At = { readonly context: Context; readonly reply: FastifyReply };

const find = ({ context }: Pick<At, 'context'>, id: string): Containment | undefined =>
  context.ports.control.state.containments.get(id);

async function answer(
  at: At,
  person: Person,
  id: string,
  problem: Problem | undefined,
  status = 200,
): Promise<FastifyReply | Refused> {
  const containment = find(at, id);
  if (containment === undefined) return unknownContainment();
  const { ports } = at.context;
  const { viewer, caller } = person;
  const { state } = ports.control;
  const read = await readFrozen(containment, ports);
  const preview = containment.state === 'pending' ? await readPreview(containment, ports) : undefined;
  const now = ports.clock.now();
  const { principal } = viewer;
  const text = containmentPage({
    viewer,
    now,
    containment: containmentView(containment, state),
    executor: executorView(state),
    ...read,
    taken_back_by: [...state.containments.values()].filter(
      ({ terms: { origin } }) => origin?.kind === 'rollback' && origin.of === id,
    ),
    ways: waysOf(containment, { principal, roles: caller.roles }, now),
    ...defined({
      fresh_until: freshUntil(
        stepUpOf(state, principal, caller.credential, { containment: id, digest: containment.digest }),
        now,
      ),
      problem,
      preview,
    }),
    step_up: stepUpWay(person, ports.auth.providers),
    once: mintOnce(ports.randomBytes),
  });
  return sendPage(at.reply, text, { status, form_to: providerOrigins(person, ports.auth.providers) });
}

/** What is ahead is for those who decide; without the store a page does without. */
async function readPreview(containment: Containment, ports: Context['ports']): Promise<Preview> {
  try {
    return previewRows(await previewOf(containment, ports));
  } catch (error) {
    if (error instanceof StoreUnavailable) return { reach: [], missing: 'the store does not answer now' };
    throw error;
  }
}

type Provider = Context['ports']['auth']['providers'][number];

function stepUpWay({ viewer }: Person, providers: readonly Provider[]): StepUpWay {
  const { issuer } = viewer.principal;
  if (issuer === LOCAL_ISSUER) return { kind: 'password' };
  const provider = providers.find((one) => one.issuer === issuer);
  return { kind: 'oidc', provider: provider?.label ?? issuer };
}

/** Where the form to authenticate anew leads in the end: the provider that this person comes from, and no other. */
function providerOrigins({ viewer }: Person, providers: readonly Provider[]): readonly string[] {
  const provider = providers.find((one) => one.issuer === viewer.principal.issuer);
  if (provider === undefined) return [];
  return [...new Set([new URL(provider.issuer).origin, ...[provider.origin()].filter((one) => one !== undefined)])];
}

function unknownContainment(): Refused {
  return refuseAs('unknown_containment', 'no containment has this id', {
    remedy: 'look for it in the list; ended ones are kept for a while only',
  });
}

const REMEDIES: { readonly [code: string]: string | undefined } = {
  digest_mismatch: 'what is asked was changed; this page shows it as it is now: read it again',
  fresh_authentication_needed: 'prove again that it is you, then decide',
};

function withRemedy(refused: Refused): Problem {
  const remedy = REMEDIES[refused.code];
  return { ...problemFrom(refused), ...defined({ remedy: remedy ?? refused.details.remedy }) };
}
