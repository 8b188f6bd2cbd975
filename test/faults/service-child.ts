import { assertLimits } from '../../schemas/limits-agree.ts';
import { readConfig } from '../../services/cli/configuration.ts';
import { openFoundation } from '../../services/cli/service/foundation.ts';
import { serve } from '../../services/cli/service/serve.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { createTelemetry } from '../../services/platform/telemetry.ts';
import { randomOf } from '../detect/simulation/world.ts';
import { createTraps, type Outage, type Trap, trappedLog, trappedStore } from './traps.ts';

/**
 * `countersign up` as a process of its own, with traps between the service and its log and store. Everything else is the
 * service as it is shipped.
 */
export type ToService =
  | { readonly kind: 'trap'; readonly trap: Trap }
  | { readonly kind: 'outage'; readonly outage: Outage }
  | { readonly kind: 'heal' }
  /** What this process takes for the time is off by so much from now on. */
  | { readonly kind: 'clock'; readonly shift_ms: number };
export type FromService =
  | { readonly kind: 'listening'; readonly url: string }
  /** The keys of a first start. */
  | { readonly kind: 'keys'; readonly tokens: Readonly<Record<string, string>> }
  | { readonly kind: 'ended'; readonly message: string };
export type ServiceArguments = { readonly data: string; readonly seed: number; readonly trap?: Trap };

const { data, seed, trap } = JSON.parse(process.argv[2] as string) as ServiceArguments;
const say = (message: FromService): void => void process.send?.(message);

assertLimits();
const trueNow = systemClock.now;
const traps = createTraps({ die: () => process.kill(process.pid, 'SIGKILL'), random: randomOf(seed) });
if (trap !== undefined) traps.set(trap);
process.on('message', (message: ToService) => {
  if (message.kind === 'trap') traps.set(message.trap);
  else if (message.kind === 'outage') traps.break(message.outage);
  else if (message.kind === 'heal') traps.heal();
  else Object.assign(systemClock, { now: () => trueNow() + message.shift_ms });
});
// The harness is gone, whatever became of it.
process.on('disconnect', () => process.exit(3));

// Also while it starts: it then ends in good order as soon as it has.
const asked = new Promise<undefined>((resolve) => process.once('SIGTERM', () => resolve(undefined)));
const loaded = readConfig({ data, logLevel: 'info' });
const telemetry = createTelemetry({ level: loaded.config.logging.level });
const serving = await serve(loaded, telemetry, async (...given) => {
  const foundation = await openFoundation(...given);
  return {
    ...foundation,
    log: trappedLog(foundation.log, traps),
    store: trappedStore(foundation.store, traps),
  };
});
say({ kind: 'listening', url: serving.api.url });
void serving.service.credentials.then((credentials) => {
  const tokens = credentials.map(({ principal, token }) => [principal.subject, token] as const);
  if (tokens.length > 0) say({ kind: 'keys', tokens: Object.fromEntries(tokens) });
});

const failure = await Promise.race([asked, serving.service.failed]);
if (failure !== undefined) say({ kind: 'ended', message: failure.stack ?? failure.message });
await serving.stop();
process.exit(failure === undefined ? 0 : 1);
