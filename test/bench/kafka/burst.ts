import { join } from 'node:path';
import { removeTopics } from './cluster.ts';
import type { FromPart, PartArguments } from './messages.ts';
import { startPart, until } from './processes.ts';
import { PARTITIONS } from './sizes.ts';
import type { Stage } from './stage.ts';

export type Burst = {
  readonly events: number;
  /** Until the source had all of them acknowledged. */
  readonly produced_ms: number;
  /** From the first event sent until detect had applied the last one, and until everything was durable in the store. */
  readonly applied_ms: number;
  readonly durable_ms: number;
  readonly cpu_us_per_event: number;
  /** Of the service before the burst and at most: JavaScript, ClickHouse in the process, and everything else. */
  readonly rss_idle_bytes: number;
  readonly rss_peak_bytes: number;
  readonly loop_delay: NonNullable<FromPart['loop_delay']>;
};

/** A source sends a burst as fast as its producer can to a service that is up and idle, in one process with all roles. */
export async function measureBurst({ brokers, directory, size }: Stage): Promise<Burst> {
  const name = 'burst';
  const { events } = size.burst;
  const given = (part: PartArguments['part']): PartArguments => {
    return { part, size, brokers, name, topics: {}, data: join(directory, `${name}-${part}`) };
  };
  const service = startPart({ ...given('road'), loop_delay: true });
  const source = startPart(given('produce_burst'));
  const processes = [service, source];
  try {
    const shared = ({ processes: [standing] }: { readonly processes: readonly FromPart[] }): boolean =>
      standing?.held.every((share) => share === PARTITIONS) === true;
    await until([service], shared);
    await until([source], () => true);
    service.tell('go');
    const begun = await until([service], ({ durable }) => durable);
    source.tell('go');
    const produced = until([source], ({ done }) => done >= events);
    const applied = await until([service], ({ done }) => done >= events);
    const durable = await until([service], (moment) => moment.durable);
    const [standing] = durable.processes as [FromPart];
    const [idle] = begun.processes as [FromPart];
    if (standing.loop_delay === undefined) throw new Error('the service did not watch its event loop');
    const figures = {
      events,
      produced_ms: (await produced).at_ms - begun.at_ms,
      applied_ms: applied.at_ms - begun.at_ms,
      durable_ms: durable.at_ms - begun.at_ms,
      cpu_us_per_event: (durable.cpu_us - begun.cpu_us) / events,
      rss_idle_bytes: idle.rss_peak_bytes,
      rss_peak_bytes: standing.rss_peak_bytes,
      loop_delay: standing.loop_delay,
    };
    await service.stop();
    await source.stop();
    return figures;
  } finally {
    await Promise.all(processes.map((process) => process.kill()));
    await removeTopics(given('road'));
  }
}
