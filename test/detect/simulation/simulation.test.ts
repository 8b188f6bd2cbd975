import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, effectsFound, runChaos } from './chaos.ts';
import { runCluster } from './cluster.ts';
import { buildWorld } from './world.ts';

/**
 * Promises P1, P2 and P3 under a thousand seeded disasters. A failing seed is printed with the command that replays it.
 */
const SEEDS = Number(process.env.COUNTERSIGN_SIM_SEEDS ?? 1000);
const ONE = process.env.COUNTERSIGN_SIM_SEED;
const HOW_MANY = ONE === undefined ? `${SEEDS} seeds` : `seed ${ONE}`;

/** Runs every seed and adds up what happened. */
async function forAllSeeds(
  run: (seed: number) => Promise<Readonly<Record<string, number>>>,
): Promise<Readonly<Record<string, number>>> {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONE)];
  const sums: Record<string, number> = { seeds: seeds.length };
  for (const seed of seeds) {
    const replay = `COUNTERSIGN_SIM_SEED=${seed} npx node --test test/detect/simulation/simulation.test.ts`;
    try {
      for (const [name, count] of Object.entries(await run(seed))) sums[name] = (sums[name] ?? 0) + count;
    } catch (error) {
      throw new Error(`seed ${seed} fails; replay it with: ${replay}`, { cause: error });
    }
  }
  return sums;
}

/** A single seed may be a quiet one. */
function exercises(sums: Readonly<Record<string, number>>, least: Readonly<Record<string, number>>): void {
  if (ONE !== undefined) return;
  for (const [name, share] of Object.entries(least)) {
    assert.ok((sums[name] ?? 0) > share * SEEDS, `the seeds exercise too little: ${JSON.stringify(sums)}`);
  }
}

test(`partition worker: ${HOW_MANY} of crashes equal the uninterrupted run`, async (t) => {
  const sums = await forAllSeeds(async (seed) => {
    const world = await buildWorld(seed);
    const outcome = await runChaos(world, seed);
    assert.deepEqual(differences(world, outcome).slice(0, 5), []);
    const muted = [...world.reference.findings.values()].filter((row) => row.includes('"muted_by"')).length;
    const effects = effectsFound(world.log);
    return { deaths: outcome.deaths, alert_revisions: world.reference.alerts.size, muted, ...effects };
  });
  t.diagnostic(JSON.stringify(sums));
  exercises(sums, { deaths: 0.5, alert_revisions: 1, muted: 0.25, failed: 0.5, verified: 0.25, untested: 0.25 });
});

test(`several processes: ${HOW_MANY} of rebalances, pauses and crashes equal the uninterrupted run`, async (t) => {
  const sums = await forAllSeeds(async (seed) => {
    const world = await buildWorld(seed);
    const outcome = await runCluster(world, seed);
    assert.deepEqual(differences(world, outcome).slice(0, 5), []);
    return { deaths: outcome.deaths, moves: outcome.moves, alert_revisions: world.reference.alerts.size };
  });
  t.diagnostic(JSON.stringify(sums));
  exercises(sums, { deaths: 0.5, moves: 2, alert_revisions: 1 });
});
