import { z } from 'zod';
import { ContainmentAnswer, ContainmentPage, VoteBody } from '../../../schemas/api/containments.ts';
import { CursorText, IdentityId, Limit } from '../../../schemas/api/shared.ts';
import { CONTAINMENT_STATES, type Containment, ContainmentId, OPEN_STATES } from '../../../schemas/containment.ts';
import { Effect } from '../../../schemas/effect.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { type CommandBody, command } from '../commands.ts';
import { defined } from '../defined.ts';
import { Refused, refuseAs } from '../errors.ts';
import { keyset } from '../keyset.ts';
import type { Ports } from '../ports.ts';
import { type Asked, callerOf, READERS, type Route, route } from '../route.ts';
import { containmentView, executorView } from '../views.ts';

const Id = z.object({ id: ContainmentId });
const places = keyset('containments', z.object({ created: z.int(), id: z.string() }));

const list = route({
  method: 'GET',
  url: '/v1/containments',
  access: READERS,
  tag: 'containments',
  summary: 'Containments, newest first; state=open is whatever can still change',
  query: z.strictObject({
    state: z.enum([...CONTAINMENT_STATES, 'open']).optional(),
    tenant: z.string().min(1).max(LIMITS.id_chars_max).optional(),
    identity: IdentityId.optional(),
    alert: z.string().min(1).max(LIMITS.id_chars_max).optional(),
    effect: Effect.shape.state.optional(),
    limit: Limit.default(50),
    cursor: CursorText.optional(),
  }),
  answer: ContainmentPage,
  async handle({ query, context: { ports } }) {
    const after = places.decode(query.cursor);
    if (after instanceof Refused) return after;
    const { state } = ports.control;
    const fitting = [...state.containments.values()]
      .filter((one) => wanted(one, query) && (after === undefined || newestFirst(after, one) < 0))
      .sort(newestFirst);
    const items = fitting.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map((one) => containmentView(one, state)),
      executor: executorView(state),
      ...(last !== undefined && fitting.length > items.length && { next_cursor: places.encode(placeOf(last)) }),
    };
  },
});

const one = route({
  method: 'GET',
  url: '/v1/containments/:id',
  access: READERS,
  tag: 'containments',
  summary: 'One containment, with the digest that a vote has to name',
  params: Id,
  answer: ContainmentAnswer,
  handle: async ({ params, context }) => containmentAnswer(params.id, context.ports),
});

const approve = vote('approve', 'Approve a containment; it runs once enough humans have');
const deny = vote('deny', 'Deny a containment; one denial ends it');

const cancel = route({
  method: 'POST',
  url: '/v1/containments/:id/cancel',
  access: ['analyst', 'approver'],
  tag: 'containments',
  summary: 'Withdraw a containment that is not being executed yet',
  params: Id,
  answer: ContainmentAnswer,
  handle: (asked) => ask(asked, { type: 'cancel', containment: asked.params.id }),
});

export const containments: readonly Route[] = [list, one, approve, deny, cancel];

function vote(type: 'approve' | 'deny', summary: string): Route {
  return route({
    method: 'POST',
    url: `/v1/containments/:id/${type}`,
    access: ['approver'],
    tag: 'containments',
    summary,
    params: Id,
    body: VoteBody,
    answer: ContainmentAnswer,
    handle: (asked) => {
      const { digest, comment } = asked.body;
      return ask(asked, { type, containment: asked.params.id, digest, ...defined({ comment }) });
    },
  });
}

/** Asks the responder and answers with the containment as it is afterwards. */
async function ask<Body extends z.ZodType | undefined>(
  asked: Asked<typeof Id, undefined, Body>,
  body: CommandBody,
): Promise<z.input<typeof ContainmentAnswer> | Refused> {
  return (await command(asked, callerOf(asked), body)) ?? containmentAnswer(asked.params.id, asked.context.ports);
}

/** The containment as the control log has it now. */
export function containmentAnswer(id: string, { control }: Ports): z.input<typeof ContainmentAnswer> | Refused {
  const containment = control.state.containments.get(id);
  if (containment === undefined) {
    return refuseAs('unknown_containment', 'no containment has this id', {
      remedy: 'look for it with GET /v1/containments; ended ones are kept for a while only',
    });
  }
  return { containment: containmentView(containment, control.state), executor: executorView(control.state) };
}

type Wanted = {
  readonly state?: Containment['state'] | 'open' | undefined;
  readonly tenant?: string | undefined;
  readonly identity?: string | undefined;
  readonly alert?: string | undefined;
  readonly effect?: Effect['state'] | undefined;
};

const OPEN: ReadonlySet<Containment['state']> = new Set(OPEN_STATES);

function wanted({ state, terms, effect }: Containment, asked: Wanted): boolean {
  return (
    (asked.state === undefined || (asked.state === 'open' ? OPEN.has(state) : state === asked.state)) &&
    (asked.tenant === undefined || terms.tenant === asked.tenant) &&
    (asked.identity === undefined || terms.identity.id === asked.identity) &&
    (asked.alert === undefined || terms.alert.uid === asked.alert) &&
    (asked.effect === undefined || effect?.state === asked.effect)
  );
}

type Place = { readonly created: number; readonly id: string };

function placeOf({ created, id }: Containment): Place {
  return { created, id };
}

function newestFirst(a: Place, b: Place): number {
  return b.created - a.created || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
