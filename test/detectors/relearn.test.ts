import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DETECTORS } from '../../detectors/ensemble.ts';
import { WORDS } from '../../detectors/layout.ts';
import { detectorsTouchedBy } from '../../detectors/relearn.ts';
import { TOUCHES } from '../../schemas/directive.ts';
import { MONDAY, ordinarySession, seeded, workedFleet } from './fleet.ts';

describe('learning anew', () => {
  for (const touch of TOUCHES) {
    test(`${touch}: touches something, leaves the rest, and scores go on being numbers`, () => {
      const fleet = workedFleet({ days: 8, identities: 3 });
      const [identity = ''] = fleet.states.keys();
      const state = fleet.stateOf(identity);
      const before = state.u32.slice(state.at, state.at + WORDS);
      fleet.model.relearn(state, [touch], fleet.log_ms);
      const after = state.u32.slice(state.at, state.at + WORDS);
      const changed = [...after].filter((word, i) => word !== before[i]);
      assert.ok(changed.length > 0 && changed.length < WORDS / 2, `${changed.length} words changed`);
      const random = seeded(9);
      for (let day = 9; day < 12; day++) {
        const session = ordinarySession(random, MONDAY + day * 86_400_000, identity);
        for (const { bits } of fleet.session(session)) assert.ok(Number.isFinite(bits) && bits >= 0);
      }
    });

    test(`${touch}: names detectors that there are`, () => {
      const names = new Set(DETECTORS.map(({ name }) => name));
      const touched = detectorsTouchedBy([touch]);
      assert.ok(touched.length > 0);
      for (const name of touched) assert.ok(names.has(name), name);
      assert.ok(!touched.includes('sensitivity'), 'no change excuses access to sensitive data');
    });
  }

  test('what was weighed is what the parts give', () => {
    const fleet = workedFleet({ days: 8, identities: 3 });
    const [identity = ''] = fleet.states.keys();
    for (const one of ordinarySession(seeded(3), MONDAY + 9 * 86_400_000, identity)) {
      const input = fleet.input(one);
      const { bits, parts } = fleet.model.score(input);
      assert.equal(fleet.model.weigh(input, parts), bits);
      assert.equal(
        fleet.model.weigh(
          input,
          parts.map(() => 0),
        ),
        0,
      );
    }
  });
});
