import { z } from 'zod';
import { EventPage } from '../../../schemas/api/events.ts';
import { IdentityAnswer, IdentityPage } from '../../../schemas/api/identities.ts';
import { CursorText, IdentityId, Limit, TenantName, TimeMs } from '../../../schemas/api/shared.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { identityCoverage } from '../coverage.ts';
import { defined } from '../defined.ts';
import { directivesOn, groupOf, mutedText } from '../directives.ts';
import { Refused, refuse } from '../errors.ts';
import { keyset } from '../keyset.ts';
import type { IdentityProfile, Ports } from '../ports.ts';
import { READERS, type Route, route } from '../route.ts';
import { containmentView, eventView } from '../views.ts';

const Id = z.object({ id: IdentityId });

const names = keyset('identities', z.string());
const places = keyset('events', z.object({ time: z.int(), key: z.string() }));

const list = route({
  method: 'GET',
  url: '/v1/identities',
  access: READERS,
  tag: 'identities',
  summary: 'Identities by name',
  query: z.strictObject({ tenant: TenantName, limit: Limit.default(100), cursor: CursorText.optional() }),
  answer: IdentityPage,
  async handle({ query, context }) {
    const after = names.decode(query.cursor);
    if (after instanceof Refused) return after;
    const asked = { limit: query.limit, ...defined({ after }) };
    const { store, readStates, control, clock } = context.ports;
    const { items, next } = await store.listIdentities(query.tenant, asked);
    const states = await readStates(
      query.tenant,
      items.map(({ identity }) => identity),
    );
    const now = clock.now();
    const covered = items.map((row) => {
      const whom = { tenant: query.tenant, identity: row.identity, group: groupOf(row) };
      const muted = mutedText(directivesOn(control.state, whom, now));
      return { ...row, coverage: identityCoverage(row.identity, states, row, muted) };
    });
    return { items: covered, ...(next !== undefined && { next_cursor: names.encode(next) }) };
  },
});

const one = route({
  method: 'GET',
  url: '/v1/identities/:id',
  access: READERS,
  tag: 'identities',
  summary: 'One identity: what it did, its baseline, its open alerts and its containments',
  params: Id,
  query: z.strictObject({ tenant: TenantName }),
  answer: IdentityAnswer,
  async handle({ params, query: { tenant }, context: { ports } }) {
    const identity = params.id;
    const { store, readProfile, readStates } = ports;
    const summary = await store.readIdentity(tenant, identity);
    const learned = await readProfile(tenant, identity);
    const states = await readStates(tenant, [identity]);
    if (summary === undefined && learned === undefined) {
      return refuse('identity_unknown', { remedy: 'look for it with GET /v1/identities; ids are case sensitive' });
    }
    const group = summary && groupOf(summary);
    const directives = directivesOn(ports.control.state, { tenant, identity, group }, ports.clock.now());
    const page = { limit: LIMITS.identity_alerts_shown_max, order: 'newest_first' } as const;
    const aliases = await store.readAliases(tenant, identity, LIMITS.identity_aliases_shown_max);
    const { items } = await store.listAlerts({ tenant, identity, status: 'open' }, page);
    return {
      tenant,
      identity,
      coverage: identityCoverage(identity, states, summary, mutedText(directives)),
      ...(summary !== undefined && {
        summary: {
          ...summary,
          tools: [...summary.tools],
          stores: [...summary.stores],
          operations: [...summary.operations],
          days: [...summary.days],
        },
      }),
      ...(learned !== undefined && { baseline: baselineOf(learned) }),
      open_alerts: [...items],
      directives,
      muted_findings: learned?.muted_findings ?? 0,
      containments: containmentsOf(tenant, identity, ports),
      aliases: aliases.map(({ alias: { tenant: _, ...alias }, log_time }) => ({ ...alias, time: log_time })),
    };
  },
});

const history = route({
  method: 'GET',
  url: '/v1/identities/:id/events',
  access: READERS,
  tag: 'identities',
  summary: 'Events of one identity, newest first, with their scores',
  params: Id,
  query: z.strictObject({
    tenant: TenantName,
    session: z.string().min(1).max(LIMITS.id_chars_max).optional(),
    /** Event time, from inclusive, to exclusive, epoch milliseconds. */
    from: TimeMs.optional(),
    to: TimeMs.optional(),
    limit: Limit.default(100),
    cursor: CursorText.optional(),
  }),
  answer: EventPage,
  async handle({ params, query, context: { ports } }) {
    const after = places.decode(query.cursor);
    if (after instanceof Refused) return after;
    const { tenant, session, from, to, limit } = query;
    const filter = { tenant, identity: params.id, ...defined({ session, from, to }) };
    const { items, next } = await ports.store.listEvents(filter, { limit, ...defined({ after }) });
    return {
      items: items.map((event) => eventView(event, ports.detect.detectors)),
      ...(next !== undefined && { next_cursor: places.encode(next) }),
    };
  },
});

export const identities: readonly Route[] = [list, one, history];

function baselineOf({ muted_findings: _, relearning, baselines, ...profile }: IdentityProfile) {
  return { ...profile, relearning: [...relearning], baselines: [...baselines] };
}

function containmentsOf(tenant: string, identity: string, { control }: Ports) {
  const found = [];
  for (const containment of control.state.containments.values()) {
    const { terms } = containment;
    if (terms.tenant === tenant && terms.identity.id === identity)
      found.push(containmentView(containment, control.state));
  }
  return found.reverse().slice(0, LIMITS.page_items_max);
}
