import { z } from 'zod';
import { CursorText } from '../../../schemas/api/shared.ts';
import { type Containment, OPEN_STATES } from '../../../schemas/containment.ts';
import { Refused } from '../errors.ts';
import { keyset } from '../keyset.ts';
import type { Ports } from '../ports.ts';
import type { Route } from '../route.ts';
import { containmentView, executorView } from '../views.ts';
import { isTrouble, type ListedContainment, listPage } from './list-page.ts';
import { type Person, page, personOf } from './page-route.ts';
import { problemOf } from './problems.ts';
import { sendPage } from './send.ts';
import { waysOf } from './ways.ts';

const ENDED_SHOWN = 20;
const places = keyset('ended-containments', z.object({ updated: z.int(), id: z.string() }));

const home = page({
  method: 'GET',
  url: '/',
  access: 'open',
  summary: 'Leads to the containments, or to the sign-in',
  query: z.object({ problem: z.string().max(64).optional().catch(undefined) }),
  async handle({ reply, caller, query: { problem } }) {
    const to = caller === undefined ? '/sign-in' : '/containments';
    return reply.redirect(problem === undefined ? to : `${to}?${new URLSearchParams({ problem })}`, 303);
  },
});

const list = page({
  method: 'GET',
  url: '/containments',
  summary: 'Containments: what waits for a decision first',
  query: z.object({
    after: CursorText.optional().catch(undefined),
    problem: z.string().max(64).optional().catch(undefined),
  }),
  async handle(asked) {
    const person = personOf(asked);
    if (person instanceof Refused) return person;
    const { ports } = asked.context;
    const { state } = ports.control;
    const after = places.decode(asked.query.after);
    if (after instanceof Refused) return after;
    const all = [...state.containments.values()].map((containment) => containmentView(containment, state));
    const rest = all.filter((one) => !isOpen(one) && !isTrouble(one)).toSorted(lastFirst);
    const ended = rest.filter((one) => after === undefined || lastFirst(after, one) < 0);
    const shown = ended.slice(0, ENDED_SHOWN);
    const last = shown.at(-1);
    const problem = problemOf(asked.query.problem);
    const text = listPage({
      viewer: person.viewer,
      now: ports.clock.now(),
      executor: executorView(state),
      open: after === undefined ? all.filter((one) => isOpen(one) || isTrouble(one)).map(listed(person, ports)) : [],
      ended: shown.map(listed(person, ports)),
      further: after !== undefined,
      ...(last !== undefined &&
        ended.length > shown.length && {
          more: `/containments?${new URLSearchParams({ after: places.encode({ updated: last.updated, id: last.id }) })}`,
        }),
      ...(problem !== undefined && { problem }),
    });
    return sendPage(asked.reply, text);
  },
});

export const listPages: readonly Route[] = [home, list];

const isOpen = ({ state }: Containment): boolean => OPEN_STATES.some((open) => open === state);

type Place = { readonly updated: number; readonly id: string };

function lastFirst(a: Place, b: Place): number {
  return b.updated - a.updated || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

function listed({ viewer, caller }: Person, { clock }: Pick<Ports, 'clock'>) {
  return (containment: ListedContainment['containment']): ListedContainment => ({
    containment,
    approve: waysOf(containment, { principal: viewer.principal, roles: caller.roles }, clock.now()).approve,
  });
}
