import type { Sample } from '../measure.ts';
import type { PartArguments } from './messages.ts';
import { isShared, startPart, until } from './processes.ts';
import { PARTITIONS } from './sizes.ts';

export type PartRun = {
  /** One for each process. */
  readonly processes: readonly PartArguments[];
  /** Done before what is counted, warm-up and history. */
  readonly warm_up: number;
  readonly total: number;
};

/** Beside the sample, how many events lie between its two moments: a few less or more than was asked for. */
export type PartSample = Sample & { readonly events: number };

/** Opens the processes, lets their group settle, and takes the time and CPU between the end of the warm-up and the end. */
export async function measurePart({ processes: all, warm_up, total }: PartRun): Promise<PartSample> {
  const processes = all.map((given) => startPart(given));
  try {
    const opened = await until(processes, (moment) => isShared(moment, PARTITIONS));
    for (const process of processes) process.tell('go');
    const warm = await until(processes, ({ done }) => done >= warm_up);
    // A run so small that it is over at once has no warm-up.
    const begun = warm.done < total ? warm : opened;
    await until(processes, ({ done }) => done >= total);
    for (const process of processes) process.tell('settle');
    const ended = await until(processes, ({ done, durable }) => done >= total && durable);
    await Promise.all(processes.map((process) => process.stop()));
    if (ended.done !== total) throw new Error(`${ended.done} events came of ${total}`);
    return {
      events: ended.done - begun.done,
      wall_ms: ended.at_ms - begun.at_ms,
      cpu_ms: (ended.cpu_us - begun.cpu_us) / 1000,
    };
  } catch (error) {
    await Promise.all(processes.map((process) => process.kill()));
    throw error;
  }
}

/** Runs a part for its effect. */
export async function runPart(given: PartArguments, total: number): Promise<void> {
  const process = startPart(given);
  try {
    await until([process], () => true);
    process.tell('go');
    await until([process], ({ done }) => done >= total);
    await process.stop();
  } catch (error) {
    await process.kill();
    throw error;
  }
}
