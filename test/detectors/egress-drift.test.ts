import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normalDeviate } from '../../detectors/math/student.ts';
import { UNITS } from '../../schemas/limits.ts';
import { event, Fleet, MONDAY, seeded } from './fleet.ts';

const MEMBERS = 12;
const QUIET_DAYS = 30;
const HIGH_DAYS = 10;

/** Each sends a few reports a day; from a day on the first of them sends `times` as much, by as many more calls. */
function* days(fleet: Fleet, times: number) {
  const random = seeded(11);
  const at = fleet.model.detectors.findIndex(({ name }) => name === 'egress_drift');
  for (let day = 0; day < QUIET_DAYS + HIGH_DAYS; day++) {
    for (let member = 0; member < MEMBERS; member++) {
      const more = member === 0 && day >= QUIET_DAYS ? times : 1;
      for (let call = 0; call < (2 + random.next(3)) * more; call++) {
        const time = MONDAY + day * UNITS.DAY_MS + call * 11 * UNITS.MINUTE_MS + member * 1000;
        const volume = { bytes_in: 1000 + random.next(9000) };
        const sent = event({ identity: `agent-${member}`, time, tool: 'send_report', operation: 'export', volume });
        const session = fleet.model.newSession();
        const input = fleet.input(sent, session);
        fleet.model.advance(input.state, fleet.log_ms, false);
        const score = fleet.model.score(input);
        const apart = fleet.model.apart(input, score.parts);
        const without = fleet.model.weigh(
          input,
          score.parts.map((part, i) => (i === at ? 0 : part)),
        );
        const draft = fleet.model.explain(input, score, 1).find(({ detector }) => detector === 'egress_drift');
        fleet.model.observe(input, score);
        fleet.model.learn(input.state, session, fleet.groupOf(sent));
        yield { day, member, bits: score.bits, without, apart, draft, part: score.parts[at] as number };
      }
    }
    fleet.adoptPrior();
  }
}

describe('more handed on, day after day', () => {
  const seen = [...days(new Fleet(), 3)];
  const bitsOf = (rows: typeof seen): number => Math.max(0, ...rows.map(({ apart }) => apart?.bits ?? 0));

  test('adds up to what no quiet identity-day of the fleet had', () => {
    const quiet = bitsOf(seen.filter(({ member, day }) => member !== 0 && day >= QUIET_DAYS));
    const high = seen.filter(({ member, day }) => member === 0 && day >= QUIET_DAYS);
    assert.ok(bitsOf(high) > 6, `${bitsOf(high)}`);
    assert.ok(bitsOf(high) > quiet, `${bitsOf(high)} against ${quiet}`);
    assert.equal(high.find(({ apart }) => apart !== undefined)?.apart?.detector, 'egress_drift');
  });

  test('enters no score of an event, and is told once a bit', () => {
    assert.ok(seen.some(({ part }) => part > 0));
    for (const { bits, without } of seen) assert.equal(bits, without);
    const told = seen.filter(({ member, day, part }) => member === 0 && day === QUIET_DAYS + 3 && part > 0);
    assert.ok(told.length <= 12, `${told.length} of one day`);
  });

  test('is explained in bits of the day', () => {
    const said = seen.filter(({ draft }) => draft !== undefined);
    assert.ok(said.length > 0);
    for (const { draft, apart, part } of said) {
      assert.deepEqual([draft?.pattern, draft?.bits], ['egress_drift', apart?.bits]);
      assert.ok(part > (apart?.bits ?? 0), 'a day of many events is likelier than an event');
    }
    assert.match(
      said.at(-1)?.draft?.sentence ?? '',
      /were handed on so far this day; about .+ are usual for a whole day/,
    );
  });

  test('says nothing before the fleet has shown how rare such days are', () => {
    assert.ok(seen.every(({ day, apart }) => day > 0 || apart === undefined));
  });
});

test('a deviate of few observations is as rare as the normal one it is turned into', () => {
  // Quantiles of Student's t: degrees of freedom, t, and the normal quantile of the same probability.
  const known = [
    [5, 2.015, 1.645],
    [5, 3.365, 2.326],
    [10, 2.764, 2.326],
    [10, 4.144, 3.09],
    [30, 3.385, 3.09],
  ] as const;
  for (const [freedom, t, z] of known) {
    assert.ok(Math.abs(normalDeviate(t, freedom) - z) < 0.03, `${normalDeviate(t, freedom)} for ${z}`);
    assert.equal(normalDeviate(-t, freedom), -normalDeviate(t, freedom));
  }
  assert.equal(normalDeviate(0, 7), 0);
});
