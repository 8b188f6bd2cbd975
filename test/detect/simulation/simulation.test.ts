import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences, runChaos } from './chaos.ts';
import { buildWorld } from './world.ts';

/**
 * Promises P1, P2 and P3 under a thousand seeded disasters. A failing seed is printed with the command that replays it.
 */
const SEEDS = Number(process.env.COUNTERSIGN_SIM_SEEDS ?? 1000);
const ONE = process.env.COUNTERSIGN_SIM_SEED;

test(`partition worker: ${ONE === undefined ? `${SEEDS} seeds` : `seed ${ONE}`} of crashes equal the uninterrupted run`, async (t) => {
  const seeds = ONE === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONE)];
  let deaths = 0;
  let alerts = 0;
  for (const seed of seeds) {
    const replay = `COUNTERSIGN_SIM_SEED=${seed} npx node --test test/detect/simulation/simulation.test.ts`;
    try {
      const world = await buildWorld(seed);
      const outcome = await runChaos(world, seed);
      deaths += outcome.deaths;
      alerts += world.reference.alerts.size;
      assert.deepEqual(differences(world, outcome).slice(0, 5), []);
    } catch (error) {
      throw new Error(`seed ${seed} fails; replay it with: ${replay}`, { cause: error });
    }
  }
  t.diagnostic(`${seeds.length} seeds, ${deaths} deaths, ${alerts} alert revisions compared`);
  assert.ok(ONE !== undefined || (deaths > seeds.length / 2 && alerts > seeds.length), 'the seeds exercise too little');
});
