import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { evaluateStories, type Report } from './evaluate.ts';
import { jobsOf, planOf } from './plan.ts';
import { writeReport } from './report/write.ts';
import { openPool } from './threads/pool.ts';

const ATTACKS = ['resource_sweep', 'sensitive_store'];

describe('the evaluation', () => {
  const reports: Report[] = [];
  let directory = '';

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'evaluate-'));
    const plan = planOf('tiny', { attacks: ATTACKS });
    for (const threads of [1, 2]) {
      const pool = openPool(threads);
      const stories = await evaluateStories(plan, pool, () => undefined).finally(() => pool.close());
      reports.push({ stories, recorded: [] });
    }
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test('plays every story and tells what became of it', () => {
    const stories = reports[0]?.stories;
    assert.deepEqual(
      stories?.curves.map(({ story, points }) => [story, points.map(({ runs }) => runs)]),
      ATTACKS.map((name) => [name, [1]]),
    );
    assert.ok((stories?.events ?? 0) > 1000);
    assert.ok((stories?.level.identity_days ?? 0) > 20 && (stories?.level.bits ?? 0) > 1);
    assert.ok((stories?.look_alikes.length ?? 0) >= 3);
    const sweep = stories?.curves[0]?.points[0];
    assert.equal(sweep?.level.recall, 1, 'four hundred resources in order');
  });

  test('is the same with any number of threads', () => {
    assert.deepEqual(reports[0], reports[1]);
  });

  test('leaves a page that needs nothing else, with a picture of every story', async () => {
    const report = reports[0];
    assert.ok(report !== undefined);
    writeReport(report, directory);
    const html = await readFile(join(directory, 'report.html'), 'utf8');
    assert.doesNotMatch(html, /<script|src=|href=|url\(|@import/i);
    const drawn = new Set(report.stories?.pictures.map(({ story }) => story));
    for (const name of ATTACKS) assert.ok(drawn.has(name), name);
    const expected = (report.stories?.pictures.length ?? 0) + ATTACKS.length;
    assert.equal(html.match(/<svg /g)?.length, expected);
    assert.doesNotMatch(html, /NaN|undefined|Infinity/);
    for (const [, x, y] of html.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)) {
      assert.ok(Number(x) >= 0 && Number(x) <= 900 && Number(y) >= 0 && Number(y) <= 330, `${x} ${y} is outside`);
    }
    const markdown = await readFile(join(directory, 'report.md'), 'utf8');
    for (const name of ATTACKS) assert.ok(markdown.includes(`| ${name} |`));
    const figures = JSON.parse(await readFile(join(directory, 'report.json'), 'utf8'));
    assert.equal(figures.stories.pictures, undefined);
    assert.deepEqual(figures.stories.curves.length, ATTACKS.length);
  });
});

describe('the plan', () => {
  test('plays each attack once in each seed at each intensity, in company', () => {
    const plan = planOf('full', { seeds: 2 });
    const played = jobsOf(plan).flatMap(({ seed, stories }) => stories.map((one) => `${seed} ${one}`));
    for (const attack of plan.attacks) {
      for (const intensity of plan.intensities) {
        for (const seed of [1, 2]) {
          const turns = played.filter((one) => one === `${seed} ${attack}:${intensity}`);
          assert.equal(turns.length, 1, `${attack}:${intensity} of seed ${seed}`);
        }
      }
    }
  });

  test('keeps quiet fleets on seeds of their own, and draws each story once', () => {
    const jobs = jobsOf(planOf('full'));
    const quiet = jobs.filter(({ stories }) => stories.length === 0);
    const loud = new Set(jobs.filter(({ stories }) => stories.length > 0).map(({ seed }) => seed));
    assert.ok(quiet.length > 0 && quiet.every(({ seed }) => !loud.has(seed)));
    const drawn = jobs.flatMap(({ pictures }) => pictures);
    assert.equal(new Set(drawn).size, drawn.length);
    assert.ok(planOf('full').attacks.every((attack) => drawn.includes(attack)));
  });
});
