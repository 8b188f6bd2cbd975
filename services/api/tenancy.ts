import type { FastifyRequest } from 'fastify';
import type { ControlState } from '../control/state.ts';
import { type Refused, refuseAs } from './errors.ts';

/** How a route belongs to a tenant: it names one, it is about something of one, it is for everybody, or it is for none. */
export type Tenancy = 'named' | 'containment' | 'directive' | 'free' | 'all';

/** A key of one tenant need not name it. Before the request is checked. */
export function nameTenant({ caller, query }: FastifyRequest, tenancy: Tenancy): void {
  const [only, another] = caller?.tenants ?? [];
  if (tenancy !== 'named' || only === undefined || another !== undefined) return;
  const asked = query as Record<string, unknown>;
  if (asked.tenant === undefined) asked.tenant = only;
}

/** Why a key that is bound to tenants may not ask this of this route; undefined when it may. Others may ask for all. */
export function tenantObjection(
  { caller, query, params, body }: FastifyRequest,
  tenancy: Tenancy,
  state: ControlState,
): Refused | undefined {
  const bound = caller?.tenants;
  if (bound === undefined || tenancy === 'free') return undefined;
  const tenant = tenantOf({ query, params, body }, tenancy, state);
  if (tenant !== undefined && bound.includes(tenant)) return undefined;
  return refuseAs('tenant_out_of_scope', `this key is bound to the tenants ${bound.join(', ')}`, {
    remedy: tenancy === 'named' ? 'name one of them as tenant' : 'use a key that is bound to no tenant',
  });
}

type Parts = { readonly query: unknown; readonly params: unknown; readonly body: unknown };

function tenantOf({ query, params, body }: Parts, tenancy: Tenancy, state: ControlState): string | undefined {
  switch (tenancy) {
    case 'named':
      return text(body, 'tenant') ?? text(query, 'tenant');
    case 'containment':
      return state.containments.get(text(params, 'id') ?? '')?.terms.tenant;
    case 'directive':
      return state.directives.get(text(params, 'uid') ?? '')?.directive.tenant;
    case 'free':
    case 'all':
      return undefined;
  }
}

function text(of: unknown, name: string): string | undefined {
  if (typeof of !== 'object' || of === null || !Object.hasOwn(of, name)) return undefined;
  const value = (of as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

/** By its address; what is not listed here is for keys that see all tenants. */
export function tenancyOf(url: string): Tenancy {
  if (FREE.has(url) || url.startsWith('/auth/')) return 'free';
  if (url.startsWith('/v1/containments/:id')) return 'containment';
  if (url === '/v1/directives/:uid/end') return 'directive';
  return NAMED.some((prefix) => url === prefix || url.startsWith(`${prefix}/`)) ? 'named' : 'all';
}

const FREE: ReadonlySet<string> = new Set([
  '/health',
  '/health/ready',
  '/v1/openapi.json',
  '/v1/whoami',
  '/v1/step-up',
]);

/** Each of these takes `tenant` in its query or its body, which a test makes sure of. */
const NAMED = [
  '/v1/alerts',
  '/v1/identities',
  '/v1/containments',
  '/v1/directives',
  '/v1/suppressions',
  '/v1/budgets',
  '/v1/changes',
  '/v1/siem/alerts',
] as const;
