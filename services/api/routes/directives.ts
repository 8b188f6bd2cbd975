import { z } from 'zod';
import {
  BudgetBody,
  ChangeBody,
  DirectiveAnswer,
  DirectivePage,
  DirectiveState,
  EndBody,
  SuppressionBody,
} from '../../../schemas/api/directives.ts';
import { CursorText, IdentityId, Limit, TenantName } from '../../../schemas/api/shared.ts';
import { type DirectiveEffect, DirectiveUid, DirectiveEffect as Effect } from '../../../schemas/directive.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { command, commandSubject } from '../commands.ts';
import { defined } from '../defined.ts';
import { directiveView } from '../directives.ts';
import { Refused, refuse, refuseAs } from '../errors.ts';
import { keyset } from '../keyset.ts';
import { type Context, callerOf, READERS, type Route, route } from '../route.ts';

const places = keyset('directives', z.object({ time: z.int(), uid: z.string() }));
const KINDS = Effect.options.map(({ shape }) => shape.kind.value);
const Tenant = z.strictObject({ tenant: TenantName });
const Uid = z.object({ uid: DirectiveUid });

const list = route({
  method: 'GET',
  url: '/v1/directives',
  access: [...READERS, 'admin'],
  tag: 'directives',
  summary:
    'What people told detection: suppressions, budgets, declared changes, what verdicts left behind; newest first',
  query: z.strictObject({
    tenant: TenantName,
    state: z.union([DirectiveState, z.literal('all')]).default('in_force'),
    kind: z.enum(KINDS).optional(),
    identity: IdentityId.optional(),
    peer_group: z.string().min(1).max(LIMITS.name_chars_max).optional(),
    limit: Limit.default(50),
    cursor: CursorText.optional(),
  }),
  answer: DirectivePage,
  async handle({ query, context: { ports } }) {
    const after = places.decode(query.cursor);
    if (after instanceof Refused) return after;
    const { tenant, state, kind, identity, peer_group } = query;
    const now = ports.clock.now();
    const fitting = [...ports.control.state.directives.values()]
      .map((standing) => directiveView(standing, now))
      .filter((one) => one.tenant === tenant && (state === 'all' || one.state === state))
      .filter(({ effect }) => kind === undefined || effect.kind === kind)
      .filter(({ scope }) => identity === undefined || scope.identity === identity)
      .filter(({ scope }) => peer_group === undefined || scope.peer_group === peer_group)
      .sort((a, b) => b.time - a.time || (a.uid < b.uid ? 1 : -1))
      .filter(({ time, uid }) => after === undefined || time < after.time || (time === after.time && uid < after.uid));
    const items = fitting.slice(0, query.limit);
    const last = items.at(-1);
    const more = last !== undefined && fitting.length > items.length;
    return { items, ...(more && { next_cursor: places.encode({ time: last.time, uid: last.uid }) }) };
  },
});

const suppress = route({
  method: 'POST',
  url: '/v1/suppressions',
  access: ['analyst', 'admin'],
  tag: 'directives',
  summary: 'Let findings of one kind open no alert until a time. People only; about a whole tenant, administrators.',
  query: Tenant,
  body: SuppressionBody,
  answer: DirectiveAnswer,
  status: 201,
  async handle(asked) {
    const { identity, peer_group, detector, pattern, subject, ...rest } = asked.body;
    const refused = unknownDetector(detector, asked.context);
    if (refused !== undefined) return refused;
    const match = defined({ detector, pattern, subject });
    const matches = Object.keys(match).length === 0 ? undefined : [match];
    const scope = defined({ identity, peer_group, matches });
    return set(asked, { scope, effect: { kind: 'suppress' }, ...rest });
  },
});

const budget = route({
  method: 'POST',
  url: '/v1/budgets',
  access: ['admin'],
  tag: 'directives',
  summary: 'Another alert budget for an identity or peer group, or more or less weight for a detector. People only.',
  query: Tenant,
  body: BudgetBody,
  answer: DirectiveAnswer,
  status: 201,
  async handle(asked) {
    const { identity, peer_group, alerts_per_1000_identity_days, detector, offset_bits, mute: _, ...rest } = asked.body;
    const refused = unknownDetector(detector, asked.context);
    if (refused !== undefined) return refused;
    const effect: DirectiveEffect =
      alerts_per_1000_identity_days !== undefined
        ? { kind: 'budget', alerts_per_1000_identity_days }
        : offset_bits !== undefined
          ? { kind: 'detector_offset', detector: detector ?? '', offset_bits }
          : { kind: 'detector_mute', detector: detector ?? '' };
    return set(asked, { scope: defined({ identity, peer_group }), effect, ...rest });
  },
});

const declare = route({
  method: 'POST',
  url: '/v1/changes',
  access: ['analyst', 'admin'],
  tag: 'directives',
  summary: 'Declare a new version of an identity or peer group: what it touches is learned anew and opens no alert',
  query: Tenant,
  body: ChangeBody,
  answer: DirectiveAnswer,
  status: 201,
  async handle(asked) {
    const { identity, peer_group, touches, version, sessions, ...rest } = asked.body;
    const effect: DirectiveEffect = { kind: 'change', touches, sessions, ...defined({ version }) };
    return set(asked, { scope: defined({ identity, peer_group }), effect, ...rest });
  },
});

const end = route({
  method: 'POST',
  url: '/v1/directives/:uid/end',
  access: ['analyst', 'admin'],
  tag: 'directives',
  summary: 'End a directive, from now on; what it did stays done',
  params: Uid,
  body: EndBody,
  answer: DirectiveAnswer,
  async handle(asked) {
    const { uid } = asked.params;
    const refused = await command(asked, callerOf(asked), { type: 'directive_end', directive: uid, ...asked.body });
    return refused ?? shown(uid, asked.context);
  },
});

export const directives: readonly Route[] = [list, suppress, budget, declare, end];

type Body = {
  readonly scope: { identity?: string; peer_group?: string };
  readonly effect: DirectiveEffect;
  readonly reason: string;
  readonly for_ms?: number | undefined;
  readonly expires?: number | undefined;
};

async function set(
  asked: Parameters<typeof commandSubject>[0] &
    Parameters<typeof callerOf>[0] & { readonly query: { readonly tenant: string } },
  { scope, effect, reason, for_ms, expires }: Body,
) {
  const directive = { tenant: asked.query.tenant, scope, effect, reason, ...defined({ for_ms, expires }) };
  const done = await commandSubject(asked, callerOf(asked), { type: 'directive_set', directive });
  return done instanceof Refused ? done : shown(done.subject, asked.context);
}

function shown(uid: string, { ports }: Context) {
  const known = ports.control.state.directives.get(uid);
  // A repeat of something that was decided so long ago that it is forgotten.
  if (known === undefined) return refuseAs('directive_unknown', 'this directive ended long ago');
  return { directive: directiveView(known, ports.clock.now()) };
}

function unknownDetector(name: string | undefined, { ports }: Context): Refused | undefined {
  if (name === undefined || ports.detect.detectors.includes(name)) return undefined;
  const remedy = `name one of ${ports.detect.detectors.join(', ')}`;
  return refuse('request_invalid', { field: 'body.detector', message: 'there is no such detector', remedy });
}
