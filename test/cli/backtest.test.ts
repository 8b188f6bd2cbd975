import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createModel } from '../../detectors/model.ts';
import { EXIT, Problem } from '../../services/cli/problem.ts';
import { otherRules } from '../../services/cli/recorded/rules.ts';
import { records, run, tempDir } from './support.ts';

const FLEET = ['--seed', '5', '--identities', '24', '--days', '10', '--stories', 'resource_sweep:1,rogue_plugin:1'];
const RESULTS = ['alerts.ndjson', 'dead-letters.ndjson', 'scores.ndjson'];

type Week = { alerts: number; by_day: { alerts: number }[]; noise: { detector: string; alerts: number }[] };
type Summary = {
  alerts: number;
  week: Week;
  comparison: { week: Week; in_both: { a: number; b: number }; only_a: number; only_b: number };
};

describe('backtest', () => {
  test('--compare runs two sets of rules in one pass, each as if it were alone', async (t) => {
    const directory = await tempDir(t);
    const place = (name: string): string => path.join(directory, name);
    const recording = place('fleet.ndjson');
    assert.equal((await run(['simulate', '--out', recording, ...FLEET])).code, EXIT.done);
    await writeFile(place('b.yaml'), 'budget: 900\nwithout: [tool_frequency, resource_rarity]\n');
    const both = await run(['backtest', recording, '--out', place('both'), '--json', '--compare', place('b.yaml')]);
    assert.equal(both.code, EXIT.done, both.stderr);
    const only = ['--budget', '900', '--without', 'resource_rarity,tool_frequency'];
    assert.equal((await run(['backtest', recording, '--out', place('a')])).code, EXIT.done);
    const second = await run(['backtest', recording, '--out', place('b'), ...only]);
    assert.equal(second.code, EXIT.done, second.stderr);
    for (const [alone, together] of [
      ['a', 'both'],
      ['b', 'both/compare'],
    ] as const) {
      for (const name of RESULTS) {
        const [one, other] = [await readFile(place(`${alone}/${name}`)), await readFile(place(`${together}/${name}`))];
        assert.ok(one.equals(other), `${together}/${name}`);
      }
    }
    assert.deepEqual((await readdir(place('a'))).toSorted(), [...RESULTS, 'summary.json'].toSorted());

    const [summary] = records(both) as [Summary];
    assert.deepEqual(JSON.parse(await readFile(place('both/summary.json'), 'utf8')), summary);
    const { week, comparison } = summary;
    const { week: ofB } = JSON.parse(await readFile(place('b/summary.json'), 'utf8')) as Summary;
    assert.equal(week.alerts, summary.alerts);
    assert.ok(week.alerts >= 1 && ofB.alerts > week.alerts, `${week.alerts} and ${ofB.alerts} alerts`);
    assert.equal(
      week.by_day.reduce((sum, { alerts }) => sum + alerts, 0),
      week.alerts,
    );
    assert.deepEqual(comparison.week, ofB);
    assert.equal(comparison.in_both.a + comparison.only_a, week.alerts);
    assert.equal(comparison.in_both.b + comparison.only_b, ofB.alerts);
    assert.ok(ofB.noise.every(({ detector }) => !['tool_frequency', 'resource_rarity'].includes(detector)));
    assert.match(second.stdout, /The analyst's week\n {2}alerts/);
  });

  test('refuses a comparison that cannot be understood, before it reads or writes', async (t) => {
    const directory = await tempDir(t);
    const file = path.join(directory, 'rules.yaml');
    await writeFile(file, 'budget: 50\nwithuot: [call_rate]\n');
    for (const [changes, code, words] of [
      [['budget=none'], 'compare_invalid', /budget is a number above 0/],
      [['without=call_rat'], 'compare_invalid', /did you mean call_rate\?/],
      [['rules=7'], 'compare_invalid', /budget=N and without=a,b/],
      [[file], 'compare_invalid', /rules\.yaml:2: .*withuot/],
      [[path.join(directory, 'none.yaml')], 'compare_unreadable', /none\.yaml/],
      [['budget=20'], 'compare_same', /changes nothing/],
    ] as const) {
      const refuse = (): unknown => otherRules({ budget: 20, without: [] }, changes);
      assert.throws(refuse, (error: Problem) => {
        assert.deepEqual([error.code, error.exit], [code, EXIT.usage]);
        assert.match(error.message, words);
        return true;
      });
    }
    const same = ['--json', '--budget', '7', '--compare', 'budget=7'];
    const ended = await run(['backtest', '-', '--out', path.join(directory, 'out'), ...same]);
    assert.equal(ended.code, EXIT.usage);
    assert.equal((records(ended)[0] as { error: { code: string } }).error.code, 'compare_same');
    const unknown = await run(['backtest', '-', '--out', path.join(directory, 'out'), '--without', 'nobody']);
    assert.equal(unknown.code, EXIT.usage);
    assert.match(unknown.stderr, /no detector is called "nobody"; there are .*call_rate/);
    assert.deepEqual(await readdir(directory), ['rules.yaml']);
  });

  test('changes of a comparison add up, and what they do not name stays', () => {
    const first = { budget: 20, without: ['call_rate'] };
    assert.deepEqual(otherRules(first, ['budget=5']), { budget: 5, without: ['call_rate'] });
    assert.deepEqual(otherRules(first, ['without=', 'budget=40']), { budget: 40, without: [] });
    assert.deepEqual(otherRules(first, ['without=two_places,call_rate,two_places']).without, [
      'call_rate',
      'two_places',
    ]);
    assert.throws(() => otherRules(first, ['without=call_rate']), Problem);
  });
});

describe('a model without some detectors', () => {
  test('refuses a name of none, and has the same detectors otherwise', () => {
    assert.throws(() => createModel({ without: ['nobody'] }), RangeError);
    assert.deepEqual(createModel({ without: ['call_rate'] }).detectors, createModel().detectors);
  });
});
