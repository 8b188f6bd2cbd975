import type { PeersProfile } from '../contract.ts';
import type { OpenPrior, PriorGroup } from '../prior.ts';
import { isUndeclared, tenantOf } from '../prior.ts';

/** Sessions that a group must have taught to be a yardstick; until then the population stands in. */
const GROUP_SESSIONS_MIN = 30;

/** Whom an identity is compared with. */
export type Company = {
  /** The group that its events declare; identities that use like tools; or all of its kind. */
  readonly origin: 'declared' | 'derived' | 'kind';
  readonly name: string;
  /** What they taught, where anybody did. */
  readonly group: PriorGroup | undefined;
};

/** `group` as `peerGroupOf` names it; `label` of the identity's words, which counts where no group is declared. */
export function companyOf(prior: OpenPrior, group: string, label: number): Company {
  const name = group.slice(tenantOf(group).length);
  if (!isUndeclared(group)) return { origin: 'declared', name, group: prior.group(group) };
  const cluster = label === 0 ? undefined : prior.cluster(group, label);
  if (cluster !== undefined && taughtEnough(cluster.group)) {
    return { origin: 'derived', name: cluster.name, group: cluster.group };
  }
  return { origin: 'kind', name, group: prior.group(group) };
}

export function taughtEnough(group: PriorGroup | undefined): group is PriorGroup {
  return group !== undefined && group.sessions >= GROUP_SESSIONS_MIN;
}

/** The company as a person is shown it. */
export function peersProfile(prior: OpenPrior, group: string, label: number): PeersProfile {
  const company = companyOf(prior, group, label);
  const enough = taughtEnough(company.group);
  return {
    origin: company.origin,
    name: company.name,
    members: company.group?.members ?? 0,
    sessions: Math.round(company.group?.sessions ?? 0),
    yardstick: enough ? 'peer_group' : 'population',
  };
}
