import type { FrozenConfig } from '../../platform/config.ts';
import type { TargetPolicy } from '../../platform/outbound/target.ts';

/** Where one receiver of the configuration may be: what it says of itself, among the hosts that `outbound.allow` lists. */
export function outboundPolicy(
  { outbound }: Pick<FrozenConfig, 'outbound'>,
  { allow_private_networks }: Pick<TargetPolicy, 'allow_private_networks'>,
): TargetPolicy {
  const { allow } = outbound;
  return { allow_private_networks, ...(allow !== undefined && { allow_hosts: allow }) };
}
