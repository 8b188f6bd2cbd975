import type { ExecutorConfig } from '../../../schemas/executor-config.ts';
import type { Frozen } from '../../platform/config.ts';
import type { ExecutorPlan } from '../executor.ts';
import type { ExecutorKind, ExecutorSeams, ExecutorSecrets, OpenedExecutor } from './kit.ts';
import { oauth2 } from './oauth2.ts';
import { scim } from './scim.ts';
import { ssf } from './ssf.ts';
import { webhook } from './webhook.ts';

type Settings = Frozen<ExecutorConfig>;
type KindOf<Type extends Settings['type']> = ExecutorKind<Extract<Settings, { type: Type }>>;

/** Every type of executor there is. A new one is a file, a line here and its settings in schemas/executor-config.ts. */
const KINDS: { readonly [Type in Settings['type']]: KindOf<Type> } = { webhook, oauth2, scim, ssf };

/** What the executor is and would send. Needs no secret. */
export function planExecutor(settings: Settings): ExecutorPlan {
  return (KINDS[settings.type] as ExecutorKind<Settings>).plan(settings);
}

export function openExecutor(settings: Settings, secrets: ExecutorSecrets, seams: ExecutorSeams): OpenedExecutor {
  return (KINDS[settings.type] as ExecutorKind<Settings>).open(settings, secrets, seams);
}
