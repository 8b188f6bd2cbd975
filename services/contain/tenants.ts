import type { Command, Outcome } from '../../schemas/command.ts';
import { tenantsOf } from '../control/keys.ts';
import type { ControlState } from '../control/state.ts';
import { refusal } from './turn.ts';

/** What a key may ask that is bound to no tenant in particular: about itself alone. */
const OF_ITSELF: ReadonlySet<Command['type']> = new Set(['key_revoke', 'key_rotate']);

/**
 * Why a key that is bound to tenants may not ask this; undefined when it may, and for all that are bound to none. What
 * belongs to no tenant belongs to none of its own.
 */
export function tenantObjection(state: ControlState, command: Command): Outcome | undefined {
  const bound = tenantsOf(state, command.credential);
  if (bound === undefined) return undefined;
  if (OF_ITSELF.has(command.type) && 'key' in command && command.key === command.credential) return undefined;
  const tenant = tenantOf(state, command);
  if (tenant !== undefined && bound.includes(tenant)) return undefined;
  return refusal('tenant_out_of_scope', `this key is bound to the tenants ${bound.join(', ')}`);
}

/** The tenant that a command is about; undefined when it is about none, or about what is not known. */
function tenantOf(state: ControlState, command: Command): string | undefined {
  switch (command.type) {
    case 'verdict':
    case 'containment_request':
      return command.tenant;
    case 'directive_set':
      return command.directive.tenant;
    case 'directive_end':
      return state.directives.get(command.directive)?.directive.tenant;
    case 'verdict_undo':
      return state.verdicts.get(command.alert_uid)?.at(-1)?.tenant;
    case 'approve':
    case 'deny':
    case 'cancel':
    case 'containment_amend':
    case 'containment_rollback':
    case 'containment_resolve':
      return state.containments.get(command.containment)?.terms.tenant;
    default:
      return undefined;
  }
}
