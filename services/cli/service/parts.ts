import type { ProcessRole } from '../../../schemas/config.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import type { Inputs } from '../recorded/inputs.ts';
import { type ContainRole, startContain } from './contain-role.ts';
import { type Control, openControl } from './control.ts';
import { type DeliverRole, startDeliver } from './deliver-role.ts';
import { type Detection, joinDetection } from './detection.ts';
import type { Foundation, Ground } from './foundation.ts';
import { type IngestRole, startIngest } from './ingest-role.ts';
import type { Office } from './office.ts';
import type { Ended, PartName } from './readiness.ts';
import { retainLog } from './retention.ts';
import { startStories } from './stories-role.ts';
import { startTime } from './time-role.ts';

/** What runs in this process, by its roles. */
export type Parts = {
  readonly ground: Ground;
  /** Absent where no role of this process needs the store. */
  readonly foundation: Foundation | undefined;
  readonly control: Control;
  readonly ingest: IngestRole | undefined;
  readonly detection: Detection | undefined;
  readonly deliver: DeliverRole | undefined;
  readonly contain: ContainRole | undefined;
  /** Of this process's roles: what one process of the cluster does at a time. */
  readonly offices: readonly Office[];
};

/** How to end what was started, oldest first. */
export type Ends = (() => Promise<void> | void)[];

export async function endAll(ends: Ends): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}

/** Starts what the roles ask for. What `ends` holds afterwards ends it, also when this rejects. */
export async function startParts(
  { ground, foundation }: Pick<Parts, 'ground' | 'foundation'>,
  inputs: Inputs,
  ends: Ends,
): Promise<Parts> {
  const has = (role: ProcessRole): boolean => ground.config.roles.includes(role);
  const control = await openControl(ground.log);
  ends.push(() => control.close());
  const contain = has('contain') ? startContain(ground, control) : undefined;
  const parallel: Ends = [];
  ends.push(async () => void (await Promise.all(parallel.map((end) => end()))));
  if (contain !== undefined) parallel.push(() => contain.office.stop());
  const detection = has('detect') ? await joinDetection(needed(foundation), control.gaps) : undefined;
  if (detection !== undefined) parallel.push(() => detection.stop());
  const time = has('detect') ? startTime(needed(foundation)) : undefined;
  if (time !== undefined) parallel.push(() => time.stop());
  const stories = has('detect') ? startStories(needed(foundation), control.gaps) : undefined;
  if (stories !== undefined) parallel.push(() => stories.stop());
  const deliver = has('deliver') ? startDeliver(needed(foundation), control) : undefined;
  if (deliver !== undefined) parallel.push(() => deliver.office.stop());
  const ingest = has('ingest') ? await startIngest(ground, inputs, control.gaps) : undefined;
  if (ingest !== undefined) ends.push(() => ingest.stop());
  const offices = [contain?.office, time, stories, deliver?.office].filter((office) => office !== undefined);
  return { ground, foundation, control, ingest, detection, deliver, contain, offices };
}

/** A role that needs the store is only started with it: the caller opened it for these roles. */
function needed(foundation: Foundation | undefined): Foundation {
  if (foundation === undefined) throw new Error('a role that works on the store was started without it');
  return foundation;
}

/** Forgets old records of the embedded log; on Kafka the topics' own retention does. */
export function keepHouse({ ground, detection }: Parts, signal: AbortSignal): Promise<void> {
  const { embedded, config } = ground;
  if (embedded === undefined || detection === undefined) return Promise.resolve();
  return retainLog({ log: embedded, retention_days: config.log.retention_days }, detection.runner, signal);
}

/** Notes what ends by itself for the readiness report; resolves once that is something without which there is no going on. */
export function watchParts(
  parts: Parts,
  housekeeping: Promise<void>,
  ended: Ended,
  options: { readonly telemetry: Telemetry; readonly signal: AbortSignal },
): Promise<Error> {
  const { telemetry, signal } = options;
  return new Promise((resolve) => {
    const fatal = (part: PartName) => (error: unknown) => {
      if (signal.aborted) return;
      ended.set(part, String(error));
      telemetry.occurred('parts_ended', { part }, { message: String(error) });
      resolve(new Error(`${part} ended: ${String(error)}`, { cause: error }));
    };
    void parts.control.failed.then(fatal('control'));
    parts.ingest?.failed.catch(fatal('ingest'));
    parts.detection?.ended.catch(fatal('detect'));
    for (const { name, failed } of parts.offices) failed.catch(fatal(name));
    housekeeping.catch(fatal('retention'));
  });
}
