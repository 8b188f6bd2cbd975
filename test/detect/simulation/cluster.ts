import { openSimulatedLog, randomFaults, type SimulatedDisk } from '../../support/simulated-log.ts';
import { newStoreDisk, openSimulatedStore, type StoreDisk } from '../../support/simulated-store.ts';
import type { Outcome } from './chaos.ts';
import { copyOfLog, newRunner, type Random, randomOf, type VirtualClock, virtualClock, type World } from './world.ts';

/**
 * Runs the world's log again through several processes that share its partitions and pass them on: in good order (the old
 * owner finishes first), or taken away (the old owner goes on working and writing, as a process does that was paused
 * beyond its session timeout). Processes die at any step, and others take over what they held.
 */
type Member = {
  readonly runner: ReturnType<typeof newRunner>;
  readonly died: Promise<'died'>;
  readonly alive: () => boolean;
  /** What it believes to own. */
  readonly believes: Set<number>;
};

type Cluster = {
  readonly world: World;
  readonly random: Random;
  readonly log: SimulatedDisk;
  readonly store: StoreDisk;
  readonly limbo: (() => void)[];
  readonly clock: VirtualClock;
  readonly members: Member[];
  /** Who owns each partition in truth; absent between two owners. */
  readonly owners: Map<number, Member>;
  deaths: number;
  moves: number;
  calm: boolean;
};

const STEPS_MAX = 6_000;
const STORM_STEPS = 120;

export async function runCluster(world: World, seed: number): Promise<Outcome & { readonly moves: number }> {
  const random = randomOf(seed ^ 0x7c1a57e4);
  const store = newStoreDisk();
  for (const [name, bytes] of world.reference.priors) if (!name.startsWith('cut/')) store.priors.set(name, bytes);
  const cluster: Cluster = {
    world,
    random,
    log: copyOfLog(world.log),
    store,
    limbo: [],
    clock: virtualClock(Date.UTC(2027, 0, 1)),
    members: [],
    owners: new Map(),
    deaths: 0,
    moves: 0,
    calm: false,
  };
  const size = 1 + random.int(4);
  for (let i = 0; i < size; i++) cluster.members.push(newMember(cluster));
  for (let step = 0; ; step++) {
    if (step > STEPS_MAX) throw new Error('the cluster does not come to rest');
    cluster.calm = step > STORM_STEPS;
    await replaceDead(cluster);
    await giveOut(cluster);
    if (!cluster.calm && random.chance(0.15)) await rebalance(cluster);
    if (cluster.limbo.length > 0 && random.chance(0.2)) {
      cluster.limbo.splice(random.int(cluster.limbo.length), 1)[0]?.();
    }
    if (await turnAll(cluster)) break;
  }
  for (const late of cluster.limbo.splice(0)) late();
  const { log, deaths, moves } = cluster;
  return { log, store, deaths, moves };
}

function newMember(cluster: Cluster): Member {
  const { random, clock, limbo } = cluster;
  let alive = true;
  let tell: (word: 'died') => void = () => {};
  const died = new Promise<'died'>((resolve) => {
    tell = resolve;
  });
  const die = (): void => {
    alive = false;
    tell('died');
  };
  const rates = randomFaults(random, { fail: 0.03, delay: 0, delay_ms_max: 1, skip: 0 });
  const log = openSimulatedLog({
    disk: cluster.log,
    clock,
    crashed: die,
    faults: (operation) => (cluster.calm ? {} : rates(operation)),
  });
  const plan = (): 'none' | 'fail_before' | 'fail_after' | 'die_partly' | 'die_late' => {
    if (cluster.calm) return 'none';
    const dice = random();
    if (dice < 0.03) return 'fail_before';
    if (dice < 0.05) return 'fail_after';
    if (dice < 0.06) return 'die_partly';
    return dice < 0.07 ? 'die_late' : 'none';
  };
  const store = openSimulatedStore(cluster.store, { random, died: die, plan }, limbo);
  const onStep = (): Promise<void> | void => {
    if (cluster.calm || !random.chance(0.01)) return undefined;
    die();
    return new Promise<never>(() => {});
  };
  const knobs = {
    flush_rows_max: 1 + random.int(20),
    flush_ms: random.int(50),
    checkpoint_ms: 1 + random.int(200),
    checkpoint_records_max: 1 + random.int(60),
    fetch_records_max: 1 + random.int(40),
    resident_identities_max: random.chance(0.5) ? 1 + random.int(3) : 1000,
    onStep,
  };
  const runner = newRunner(cluster.world, log, store, clock, knobs);
  return { runner, died, alive: () => alive, believes: new Set() };
}

/** The work of one process, for as long as it lives. A failure ends the process, as it ends the real one. */
async function during(member: Member, work: Promise<unknown>): Promise<boolean> {
  const done = work.then(() => 'done' as const);
  return (await Promise.race([done, member.died])) === 'done';
}

async function replaceDead(cluster: Cluster): Promise<void> {
  for (const [i, member] of cluster.members.entries()) {
    if (member.alive()) continue;
    cluster.deaths++;
    for (const [partition, owner] of cluster.owners) if (owner === member) cluster.owners.delete(partition);
    cluster.members[i] = newMember(cluster);
  }
}

async function giveOut(cluster: Cluster): Promise<void> {
  const { random, members, owners, world } = cluster;
  for (let partition = 0; partition < world.partitions; partition++) {
    if (owners.has(partition)) continue;
    await take(cluster, members[random.int(members.length)] as Member, partition);
  }
}

async function take(cluster: Cluster, member: Member, partition: number): Promise<void> {
  cluster.owners.set(partition, member);
  // A process that still believes to own it learns first that it had lost it: joining anew comes with a clean slate.
  if (member.believes.delete(partition)) await give(cluster, member, partition, 'lost');
  if (!(await during(member, member.runner.assign(partition)))) return;
  member.believes.add(partition);
  const found = member.runner.status().find((status) => status.partition === partition);
  if (found?.gap !== undefined) throw new Error(`false gap: ${found.gap.message}`);
}

/** The group tells of changes whenever it likes: now and then the process is in the middle of a round. */
async function give(
  cluster: Cluster,
  member: Member,
  partition: number,
  how: 'handed_over' | 'lost',
): Promise<boolean> {
  const { random, calm } = cluster;
  const steps = calm || random.chance(0.5) ? 0 : 1 + random.int(12);
  const round = steps === 0 ? undefined : during(member, member.runner.turn());
  for (let step = 1; step < steps; step++) await new Promise(setImmediate);
  const given = await during(member, member.runner.unassign(partition, how));
  await round;
  return given;
}

/** One partition changes hands: handed over, or taken from an owner that does not know it yet. */
async function rebalance(cluster: Cluster): Promise<void> {
  const { random, members, owners, world } = cluster;
  const partition = random.int(world.partitions);
  const from = owners.get(partition);
  const to = members[random.int(members.length)] as Member;
  if (from === undefined || from === to || !from.alive() || !to.alive()) return;
  cluster.moves++;
  if (random.chance(0.5)) {
    from.believes.delete(partition);
    // Between the wish to hand over and its end other partitions of the same process may go on, or it may die.
    if (!(await give(cluster, from, partition, 'handed_over'))) return;
  }
  await take(cluster, to, partition);
}

/** Every process works a little, those that were overtaken as well. True when all is done and durable. */
async function turnAll(cluster: Cluster): Promise<boolean> {
  const { random, members, owners, calm } = cluster;
  let progress = false;
  for (const member of members) {
    for (const partition of member.believes) {
      if (owners.get(partition) === member || !(calm || random.chance(0.2))) continue;
      member.believes.delete(partition);
      await give(cluster, member, partition, 'lost');
    }
    if (!member.alive()) return false;
    await during(
      member,
      member.runner.turn().then((applied) => {
        progress ||= applied;
      }),
    );
  }
  if (progress || !calm) return false;
  for (const member of members) if (!(await during(member, member.runner.checkpoint()))) return false;
  return true;
}
