import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, FaultPlan } from '../support/clickhouse-http-front.ts';
import type { Cluster } from './environment.ts';
import type { FaultKind, World } from './kinds.ts';

/** What can only go wrong between several machines: the broker, the wire to ClickHouse, a process taken for dead. */
const cluster = ({ environment }: World): Cluster => {
  if (environment.cluster === undefined) throw new Error('there is no cluster here');
  return environment.cluster;
};

const wait = ({ random }: World, from_ms: number, to_ms: number): Promise<void> =>
  sleep(from_ms + random.int(to_ms - from_ms));

const kindOf = (name: string, strike: FaultKind['strike']): FaultKind => ({ name, on: ['kafka'], strike });

const brokerFault = (name: string, strike: FaultKind['strike']): FaultKind => ({
  ...kindOf(name, strike),
  restarts_broker: true,
});

const broker_restarts = brokerFault('broker_restarts', async (world) => {
  const { broker } = cluster(world);
  await wait(world, 200, 1_500);
  await broker.stop();
  await broker.start();
  await wait(world, 500, 2_000);
});

const broker_killed = brokerFault('broker_killed', async (world) => {
  const { broker } = cluster(world);
  await wait(world, 200, 1_500);
  await broker.kill();
  await wait(world, 0, 1_000);
  await broker.start();
  await wait(world, 500, 2_000);
});

/** Longer than sessions and transactions last: afterwards everyone joins anew. */
const broker_away = brokerFault('broker_away', async (world) => {
  const { broker, session_timeout_ms } = cluster(world);
  await wait(world, 200, 1_000);
  await broker.stop();
  await wait(world, session_timeout_ms + 1_000, session_timeout_ms + 5_000);
  await broker.start();
  await wait(world, 1_000, 3_000);
});

const broker_paused = brokerFault('broker_paused', async (world) => {
  const { broker, session_timeout_ms } = cluster(world);
  await wait(world, 200, 1_000);
  broker.pause();
  await wait(world, 500, session_timeout_ms + 2_000);
  broker.resume();
  await wait(world, 500, 2_000);
});

/** Stopped in its tracks for longer than its session lasts, then it goes on as if nothing had been. */
const zombie = kindOf('zombie', async (world) => {
  const { fleet, random } = world;
  const { session_timeout_ms } = cluster(world);
  await wait(world, 200, 1_500);
  const places = [...fleet.running.keys()];
  const place = places[random.int(Math.max(1, places.length))] ?? 0;
  const process = fleet.running.get(place);
  fleet.setAside(place, true);
  process?.signal('SIGSTOP');
  await wait(world, session_timeout_ms + 500, session_timeout_ms + 4_000);
  process?.signal('SIGCONT');
  fleet.setAside(place, false);
  await wait(world, 500, 2_000);
});

/** A process leaves in good order, and another one comes. */
const rebalance = kindOf('rebalance', async (world) => {
  const { fleet, environment, random } = world;
  await wait(world, 200, 1_000);
  if (fleet.running.size > 1) {
    const places = [...fleet.running.keys()];
    await fleet.end(places[random.int(places.length)] ?? 0, 'SIGTERM');
  }
  await wait(world, 100, 1_500);
  await fleet.fill(1 + random.int(environment.processes_max));
});

const storeFault = (name: string, planOf: (world: World) => FaultPlan): FaultKind =>
  kindOf(name, async (world) => {
    const { front } = cluster(world);
    await wait(world, 200, 1_000);
    await front.inject(planOf(world));
    await wait(world, 500, 3_000);
    if (world.random.chance(0.3)) {
      const places = [...world.fleet.running.keys()];
      await world.fleet.end(places[world.random.int(Math.max(1, places.length))] ?? 0, 'SIGKILL');
      const filled = world.fleet.fill(world.processes);
      await wait(world, 200, 1_500);
      await front.heal();
      await filled;
    }
    await front.heal();
    await wait(world, 200, 1_500);
  });

const some =
  (faults: readonly Fault[], on: readonly FaultPlan['on'][], times_max?: number) =>
  ({ random }: World): FaultPlan => ({
    fault: faults[random.int(faults.length)] as Fault,
    on: on[random.int(on.length)] as FaultPlan['on'],
    ...(times_max === undefined ? {} : { times: 1 + random.int(times_max) }),
  });

const ANY = ['insert', 'statement'] as const;
const store_killed = kindOf('store_killed', async (world) => {
  const { front } = cluster(world);
  await wait(world, 200, 1_500);
  await front.kill();
  await wait(world, 0, 2_000);
  await front.restart();
  await wait(world, 200, 1_500);
});

export const CLUSTER_KINDS: readonly FaultKind[] = [
  broker_restarts,
  broker_killed,
  broker_away,
  broker_paused,
  zombie,
  rebalance,
  storeFault('store_refuses', some([{ kind: 'refuse' }], ANY)),
  storeFault('store_hangs', some([{ kind: 'hang_before' }, { kind: 'hang_after' }], ANY, 3)),
  storeFault(
    'store_resets',
    some([{ kind: 'reset_before' }, { kind: 'reset_mid_body' }, { kind: 'reset_after' }, { kind: 'truncated' }], ANY),
  ),
  storeFault(
    'store_answers_500',
    some(
      [
        { kind: 'status', status: 500 },
        { kind: 'status', status: 503 },
      ],
      ANY,
    ),
  ),
  storeFault('store_disk_full', some([{ kind: 'exception', code: 243, type: 'NOT_ENOUGH_SPACE' }], ['insert'])),
  storeFault('store_slow', some([{ kind: 'slow', ms: 700 }], ANY)),
  store_killed,
];
