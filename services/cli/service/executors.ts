import { readFileSync, statSync } from 'node:fs';
import type { ExecutorConfig } from '../../../schemas/executor-config.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Ports } from '../../api/ports.ts';
import type { Executor, ExecutorPlan } from '../../contain/executor.ts';
import { openExecutor, planExecutor } from '../../contain/executors/index.ts';
import type { ExecutorSeams, ExecutorSecrets } from '../../contain/executors/kit.ts';
import { createWebhookExecutor, shortForm } from '../../contain/executors/webhook.ts';
import { plannedFor } from '../../contain/planned.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Frozen, FrozenConfig, LoadedConfig } from '../../platform/config.ts';
import { EXIT, Problem } from '../problem.ts';

type Settings = Frozen<ExecutorConfig>;
type Loaded = Pick<LoadedConfig, 'config' | 'secrets'>;

/** What the configuration's executors are and would send, in their order. Every process has these; none holds a secret. */
export function plansOf({ contain }: Pick<FrozenConfig, 'contain'>): readonly ExecutorPlan[] {
  const { executor_webhook: short, executors } = contain;
  const first = short === undefined ? [] : [planExecutor(shortForm({ ...short, plaintext: short.allow_plaintext }))];
  return [...first, ...executors.map(planExecutor)];
}

/** What the API asks about a containment: what would be sent for it, and by whom. */
export function planner(plans: readonly ExecutorPlan[], clock: Clock): Ports['plan'] {
  return (containment) => {
    const planned = plannedFor(containment, plans, clock.now());
    if (planned === undefined) return undefined;
    const { executor, direction, text } = planned;
    const { name, idempotent, canProbe } = executor;
    return { executor: name, direction, dry_run: text, idempotent, can_probe: canProbe };
  };
}

/** The executors themselves, for the process that carries out. Reads their files; throws a Problem for what is wrong with one. */
export function openExecutors({ config, secrets }: Loaded, clock: Clock): readonly Executor[] {
  const { allow } = config.outbound;
  const seams = { clock, ...(allow !== undefined && { allow_hosts: allow }) };
  const listed = config.contain.executors.map((settings, index) => openListed(settings, index, seams));
  const short = openShortForm({ config, secrets }, seams);
  return short === undefined ? listed : [short, ...listed];
}

function openShortForm({ config, secrets }: Loaded, seams: ExecutorSeams): Executor | undefined {
  const webhook = config.contain.executor_webhook;
  const secret = secrets.contain_executor_secret;
  if (webhook === undefined || secret === undefined) return undefined;
  const made = createWebhookExecutor({ ...seams, ...webhook, plaintext: webhook.allow_plaintext, secret });
  if (made.kind === 'ready') return made.executor;
  const field = made.problem.field === 'secret' ? 'secret_file' : made.problem.field;
  throw new Problem('config_invalid', `contain.executor_webhook.${field}: ${made.problem.message}`, EXIT.usage);
}

function openListed(settings: Settings, index: number, seams: ExecutorSeams): Executor {
  const where = `contain.executors[${index}] (${settings.name})`;
  const opened = openExecutor(settings, secretsOf(settings, where), seams);
  if (opened.kind === 'ready') return opened.executor;
  const { field, message } = opened.problem;
  throw new Problem('config_invalid', `${where}.${field}: ${message}`, EXIT.usage);
}

/** Contents of every file that the settings name, by the path of the field. */
export function secretsOf(settings: Settings, where: string): ExecutorSecrets {
  const source = settings.type === 'oauth2' ? Object.entries(settings.token_source) : [];
  const fields = [
    ...Object.entries(settings),
    ...source.map(([name, value]): [string, unknown] => [`token_source.${name}`, value]),
  ];
  return Object.fromEntries(
    fields
      .filter((field): field is [string, string] => field[0].endsWith('_file') && typeof field[1] === 'string')
      .map(([field, file]) => [field, contentOf(file, `${where}.${field}`)]),
  );
}

/** A secret without the line break at its end, or a certificate. */
function contentOf(file: string, where: string): string {
  const refused = (message: string): Problem =>
    new Problem('config_secret_unreadable', `${where}: ${message}`, EXIT.usage);
  let content: string;
  try {
    if (statSync(file).size > LIMITS.executor_document_bytes_max) {
      throw refused(`${file} is longer than ${LIMITS.executor_document_bytes_max} bytes: this is no secret`);
    }
    content = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof Problem) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw refused(`${file} cannot be read (${code}): check its name and rights`);
  }
  if (content === '') throw refused(`${file} is empty: write the secret into it`);
  return content;
}
