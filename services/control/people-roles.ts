import type { PolicyDocument } from '../../schemas/policy.ts';
import { type PrincipalRef, ROLES, type Role, samePrincipal } from '../../schemas/principal.ts';
import type { ControlState } from './state.ts';

type People = PolicyDocument['people'];

/**
 * Claims that people can often change by themselves, or that another may come to hold: no role ever follows from them. A
 * `sub` alone is somebody else at each provider; the policy names people by issuer and subject instead.
 */
const NEVER: ReadonlySet<string> = new Set([
  'sub',
  'email',
  'name',
  'nickname',
  'given_name',
  'family_name',
  'middle_name',
  'preferred_username',
  'phone_number',
  'profile',
  'website',
]);

/**
 * Roles of somebody whom a provider vouches for: of every claim that fits, and of being named by issuer and subject. None:
 * nobody here. In the order of `ROLES`, so that the same answer gives the same session.
 */
export function rolesFor(
  people: People | undefined,
  claims: Readonly<Record<string, unknown>>,
  principal: PrincipalRef,
): readonly Role[] {
  if (people === undefined) return [];
  const byClaims = people.claims
    .filter(({ issuer = principal.issuer }) => issuer === principal.issuer)
    .filter(({ claim, value }) => !NEVER.has(claim) && holds(claimAt(claims, claim), value))
    .flatMap(({ roles }) => roles);
  const byName = people.named.filter((one) => samePrincipal(one.principal, principal)).flatMap(({ roles }) => roles);
  const all = new Set<Role>([...byClaims, ...byName]);
  return ROLES.filter((role) => all.has(role));
}

function holds(found: unknown, value: string): boolean {
  return found === value || (Array.isArray(found) && found.includes(value));
}

/** `realm_access.roles` is a path, `https://example.com/roles` a name with dots: the name that is there counts. */
function claimAt(of: unknown, path: string): unknown {
  if (typeof of !== 'object' || of === null || Array.isArray(of)) return undefined;
  const claims = of as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(claims, path)) return claims[path];
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const head = path.slice(0, dot);
    const found = Object.hasOwn(claims, head) ? claimAt(claims[head], path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What the policy in force says of people; undefined while there is no policy. */
export function peopleOf({ policy }: Pick<ControlState, 'policy'>): People | undefined {
  return policy?.document.people;
}
