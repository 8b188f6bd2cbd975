import { z } from 'zod';
import { DecideGapBody, GapAnswer, GapPage, type GapView } from '../../../schemas/api/gaps.ts';
import { CursorText, Limit } from '../../../schemas/api/shared.ts';
import { GAP_STATES, Gap, type GapIncident } from '../../../schemas/gap.ts';
import { gapChoices } from '../../control/explain-gap.ts';
import { command } from '../commands.ts';
import { Refused, refuseAs } from '../errors.ts';
import { keyset } from '../keyset.ts';
import { callerOf, READERS, type Route, route } from '../route.ts';

const places = keyset('gaps', z.object({ state: z.enum(GAP_STATES), since: z.int(), id: z.string() }));

const list = route({
  method: 'GET',
  url: '/v1/gaps',
  access: [...READERS, 'admin'],
  tag: 'gaps',
  summary: 'Places where a stage cannot go on honestly: those that wait for a decision first, then the newest',
  query: z.strictObject({
    state: z.enum(GAP_STATES).optional(),
    limit: Limit.default(50),
    cursor: CursorText.optional(),
  }),
  answer: GapPage,
  async handle({ query, context: { ports } }) {
    const after = places.decode(query.cursor);
    if (after instanceof Refused) return after;
    const fitting = [...ports.control.state.gaps.values()]
      .filter(({ state }) => query.state === undefined || state === query.state)
      .filter((one) => after === undefined || inOrder(after, placeOf(one)) < 0)
      .sort((a, b) => inOrder(placeOf(a), placeOf(b)));
    const items = fitting.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map(viewOf),
      ...(last !== undefined && fitting.length > items.length && { next_cursor: places.encode(placeOf(last)) }),
    };
  },
});

const decide = route({
  method: 'POST',
  url: '/v1/gaps/:id/decision',
  access: ['admin'],
  tag: 'gaps',
  summary: 'Decide where a stage goes on after a gap, and why. People only.',
  params: z.object({ id: Gap.shape.id }),
  body: DecideGapBody,
  answer: GapAnswer,
  async handle(asked) {
    const { params, body, context } = asked;
    const refused = await command(asked, callerOf(asked), { type: 'decide_gap', gap: params.id, ...body });
    if (refused !== undefined) return refused;
    const known = context.ports.control.state.gaps.get(params.id);
    // A repeat of a decision that was made so long ago that its gap is forgotten.
    if (known === undefined) return refuseAs('unknown_gap', 'this gap was decided and closed long ago');
    return { gap: viewOf(known) };
  },
});

export const gaps: readonly Route[] = [list, decide];

function viewOf(incident: GapIncident): GapView {
  return { ...incident, choices: gapChoices(incident.gap) };
}

type Place = { readonly state: GapIncident['state']; readonly since: number; readonly id: string };

function placeOf({ gap, state, since }: GapIncident): Place {
  return { state, since, id: gap.id };
}

function inOrder(a: Place, b: Place): number {
  const state = GAP_STATES.indexOf(a.state) - GAP_STATES.indexOf(b.state);
  return state || b.since - a.since || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
