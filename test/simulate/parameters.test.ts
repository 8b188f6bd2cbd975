import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRequest, type SimulationError, type SimulationRequest } from '../../services/simulate/parameters.ts';
import { prepareSimulation } from '../../services/simulate/prepare.ts';
import { simulateFleet } from '../../services/simulate/simulate.ts';
import { ALL_STORIES, request } from './support.ts';

function refusal(change: Partial<SimulationRequest>): SimulationError {
  const parsed = prepareSimulation(request(change));
  assert.ok(!parsed.ok, `accepted ${JSON.stringify(change)}`);
  return parsed.error;
}

describe('parameters of a simulation', () => {
  const wrong: readonly [SimulationError['code'], Partial<SimulationRequest>][] = [
    ['bad_seed', { seed: -1 }],
    ['bad_seed', { seed: 1.5 }],
    ['bad_seed', { seed: Number.NaN }],
    ['bad_identities', { identities: 0 }],
    ['bad_identities', { identities: 100_001 }],
    ['bad_identities', { identities: Number.POSITIVE_INFINITY }],
    ['bad_days', { days: 0 }],
    ['bad_days', { days: 401 }],
    ['bad_days', { days: 2.5 }],
    ['bad_start', { start_ms: -1 }],
    ['bad_start', { start_ms: Date.UTC(2099, 11, 31), days: 2 }],
    ['unknown_story', { stories: ['volume_bursts'] }],
    ['bad_intensity', { stories: ['volume_burst:1.5'] }],
    ['bad_intensity', { stories: ['volume_burst:'] }],
    ['bad_intensity', { stories: ['volume_burst:loud'] }],
    ['too_many_stories', { stories: new Array<string>(201).fill('volume_burst') }],
    ['story_does_not_fit', { stories: ['slow_exfiltration'], days: 2 }],
    ['story_does_not_fit', { stories: ['lateral_movement'], identities: 2 }],
  ];
  for (const [code, change] of wrong) {
    it(`refuses ${JSON.stringify(change).slice(0, 60)} with ${code}`, () => {
      const error = refusal(change);
      assert.equal(error.code, code);
      assert.ok(
        error.message.includes(error.field === 'start_ms' ? 'start_ms' : error.value) ||
          error.code === 'too_many_stories',
        error.message,
      );
    });
  }

  it('names the story that was meant, and all that are known', () => {
    const { message } = refusal({ stories: ['resource_swep'] });
    assert.match(message, /did you mean resource_sweep\?/);
    for (const name of ALL_STORIES) assert.ok(message.includes(name));
    assert.doesNotMatch(refusal({ stories: ['qqqqqqqqqqqqqqq'] }).message, /did you mean/);
  });

  it('accepts the bounds', () => {
    for (const change of [
      { identities: 1, days: 1 },
      { identities: 100_000 },
      { days: 400 },
      { seed: Number.MAX_SAFE_INTEGER },
    ]) {
      assert.ok(parseRequest(request(change)).ok);
    }
  });

  it('leaves stories of the default set out of a fleet that is too small for them, and says which', () => {
    const { stories: _, ...asked } = request({ identities: 4, days: 3 });
    const prepared = prepareSimulation(asked);
    assert.ok(prepared.ok);
    assert.equal(prepared.value.stories.length + prepared.value.left_out.length, 10);
    assert.ok(prepared.value.left_out.length >= 8);
    assert.ok(prepared.value.left_out.every(({ reason }) => reason.length > 20));
  });

  it('is a programmer error where nobody asked first', () => {
    assert.throws(() => simulateFleet(request({ identities: 0 })), RangeError);
  });
});
