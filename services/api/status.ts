import type { z } from 'zod';
import type { PartitionView, StatusAnswer, SumsView } from '../../schemas/api/status.ts';
import type { GapIncident } from '../../schemas/gap.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { ControlState } from '../control/state.ts';
import { TOPICS } from '../platform/event-log.ts';
import { coverageWarnings, sumPulses } from './coverage.ts';
import type { DetectPartition, Ports } from './ports.ts';
import type { Context } from './route.ts';
import { executorView } from './views.ts';

/** How the service fares, from one look at each part of it. */
export async function statusOf({ ports, streams, warnings }: Context): Promise<z.input<typeof StatusAnswer>> {
  const { control, detect, log, clock } = ports;
  const { state } = control;
  const [report, counters, found, stories, notify] = await Promise.all([
    ports.readiness(),
    log.counters(),
    detect.status(),
    detect.stories(),
    ports.notify?.status(),
  ]);
  const partitions = await partitionsOf(found, ports);
  const responder = state.responder && {
    epoch: state.responder.epoch,
    instance: state.responder.instance,
    since: state.responder.since,
  };
  return {
    version: ports.version,
    now: clock.now(),
    ready: report.ready,
    reasons: [...report.reasons],
    warnings: [...warnings(), ...coverageWarnings(sumPulses(found))],
    sums: sumsOf(counters),
    partitions,
    lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
    stories: { ...stories, lag: stories.end_offset - stories.next_offset },
    stalled: detect.stalled(),
    counters: Object.fromEntries(counters),
    ...(responder !== undefined && { responder }),
    executor: executorView(state),
    gaps: { open: countOf(state, 'open'), decided: countOf(state, 'decided') },
    containments: { open: state.open.size, ended: state.ended.size },
    ...(notify !== undefined && { notify: [...notify] }),
    streams: { open: streams.open(), max: LIMITS.stream_clients_max },
  };
}

function countOf({ gaps }: ControlState, wanted: GapIncident['state']): number {
  let count = 0;
  for (const { state } of gaps.values()) if (state === wanted) count++;
  return count;
}

async function partitionsOf(
  found: readonly DetectPartition[],
  { log }: Ports,
): Promise<z.input<typeof PartitionView>[]> {
  return Promise.all(
    found.map(async ({ pulses: _, ...partition }) => {
      const { end } = await log.bounds(TOPICS.events, partition.partition);
      // What a stopped partition has applied is unknown here, so all of it waits for the operator's decision.
      return { ...partition, end_offset: end, lag: Math.max(0, end - partition.next_offset) };
    }),
  );
}

const DEAD = 'ingest.dead.';

/** The counters stand in the same transactions as the records they count, so they hold across crashes. */
function sumsOf(counters: ReadonlyMap<string, number>): z.input<typeof SumsView> {
  const sum = (name: string): number => counters.get(`ingest.${name}`) ?? 0;
  const [received, accepted, absorbed, dead_lettered] = [
    sum('received'),
    sum('accepted'),
    sum('absorbed'),
    sum('dead_lettered'),
  ];
  const held = sum('held') - sum('settled');
  const reasons = [...counters].filter(([name]) => name.startsWith(DEAD));
  return {
    received,
    accepted,
    absorbed,
    held,
    dead_lettered,
    dead_letter_reasons: Object.fromEntries(reasons.map(([name, count]) => [name.slice(DEAD.length), count])),
    balanced:
      received === accepted + absorbed + held + dead_lettered &&
      dead_lettered === reasons.reduce((total, [, count]) => total + count, 0),
  };
}
