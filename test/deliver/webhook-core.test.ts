import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../schemas/limits.ts';
import {
  advance,
  decodeLane,
  encodeLane,
  failed,
  type LaneState,
  mayProbe,
  newLane,
  outcomeOf,
  retryAfterMs,
  spent,
  webhookId,
} from '../../services/deliver/webhook-core.ts';

const NOW = Date.UTC(2026, 2, 2);
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('the pause after a failed attempt', () => {
  it('is full jitter under an exponential ceiling, and bounded', () => {
    fc.assert(
      fc.property(fc.nat(200), random, (attempts, jitter) => {
        const lane = { ...newLane('g', 0), attempts, first_ms: NOW };
        const { due_ms } = failed(lane, { now_ms: NOW, random: jitter, retry_after_ms: 0 });
        const ceiling = Math.min(LIMITS.webhook_retry_ms * 2 ** attempts, LIMITS.webhook_retry_ms_max);
        assert.ok(due_ms >= NOW && due_ms <= NOW + ceiling);
        assert.ok(Math.abs(due_ms - NOW - ceiling * jitter) <= 1);
      }),
    );
  });

  it('is never shorter than what the receiver asked for, up to the limit', () => {
    fc.assert(
      fc.property(random, fc.nat(10 * LIMITS.webhook_retry_after_ms_max), (jitter, retry_after_ms) => {
        const { due_ms } = failed(newLane('g', 0), { now_ms: NOW, random: jitter, retry_after_ms });
        assert.ok(due_ms - NOW >= Math.min(retry_after_ms, LIMITS.webhook_retry_after_ms_max));
        assert.ok(due_ms - NOW <= Math.max(LIMITS.webhook_retry_ms, LIMITS.webhook_retry_after_ms_max));
      }),
    );
  });

  it('goes on for days before a message is given up', () => {
    let lane = newLane('g', 0);
    let now_ms = NOW;
    while (!spent(lane, now_ms)) {
      lane = failed(lane, { now_ms, random: 0.5, retry_after_ms: 0 });
      now_ms = lane.due_ms;
    }
    const days = (now_ms - NOW) / 86_400_000;
    assert.ok(days >= 3 && days < 3.1, `${days} days`);
    assert.equal(lane.first_ms, NOW);
  });

  it('does not give up what was never tried again after a long absence', () => {
    const lane = failed(newLane('g', 0), { now_ms: NOW, random: 0, retry_after_ms: 0 });
    assert.equal(spent(lane, NOW + 30 * 86_400_000), false);
  });

  it('is forgotten with the message', () => {
    const tried = failed(newLane('g', 5, 9), { now_ms: NOW, random: 0.9, retry_after_ms: 0 });
    assert.deepEqual(advance(tried, 5), newLane('g', 6, 9));
    assert.equal(mayProbe(tried), false);
    assert.equal(mayProbe({ ...tried, attempts: LIMITS.webhook_probe_attempts }), true);
  });
});

describe('Retry-After', () => {
  const cases: [string | undefined, number][] = [
    [undefined, 0],
    ['120', 120_000],
    ['0', 0],
    ['999999999', 999_999_999_000],
    ['9999999999', 0],
    ['-5', 0],
    ['1.5', 0],
    ['soon', 0],
    ['Mon, 02 Mar 2026 00:01:00 GMT', 60_000],
    ['Sun, 01 Mar 2026 00:00:00 GMT', 0],
    ['2026-03-02T00:01:00Z', 0],
    ['Mon, 99 Mar 2026 00:01:00 GMT', 0],
  ];
  for (const [text, expected] of cases) {
    it(`${text} asks for ${expected} ms`, () => assert.equal(retryAfterMs(text, NOW), expected));
  }
});

describe('an answer', () => {
  it('is sorted by its status alone', () => {
    const classes: Record<string, number[]> = {
      delivered: [200, 201, 202, 204, 299],
      redirected: [300, 301, 302, 303, 307, 308],
      refused: [400, 401, 403, 404, 409, 413, 422, 418],
      gone: [410],
      unavailable: [408, 425, 429, 500, 502, 503, 504, 599],
    };
    for (const [outcome, statuses] of Object.entries(classes)) {
      for (const status of statuses) {
        assert.equal(
          outcomeOf({ kind: 'answered', status, retry_after: undefined, excerpt: 'ok' }),
          outcome,
          `${status}`,
        );
      }
    }
    assert.equal(outcomeOf({ kind: 'failed', reason: 'timeout', code: 'TIMEOUT' }), 'timeout');
  });
});

describe('a webhook-id', () => {
  it('differs with each of its parts', () => {
    const ids = [webhookId('s', 'u', 1), webhookId('t', 'u', 1), webhookId('s', 'v', 1), webhookId('s', 'u', 2)];
    assert.equal(new Set(ids).size, 4);
  });

  it('is the same for the same subscription, alert and revision, and for nothing else', () => {
    const parts = fc.tuple(fc.string(), fc.string(), fc.integer({ min: 1 }));
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        assert.equal(webhookId(...one) === webhookId(...other), JSON.stringify(one) === JSON.stringify(other));
        assert.match(webhookId(...one), /^msg_[0-9a-f]{32}$/);
      }),
    );
  });
});

describe('the position of a lane', () => {
  it('comes back as it was written', () => {
    const lanes: LaneState[] = [
      newLane('g', 0),
      newLane('g"', 7, 12),
      failed(newLane('g', 3), { now_ms: NOW, random: 0.3, retry_after_ms: 10 }),
      { ...newLane('g', 3), ended: true },
    ];
    for (const lane of lanes) assert.deepEqual(decodeLane(encodeLane(lane)), lane);
    assert.throws(() => decodeLane('{"v":2}'), /not written by this version/);
  });
});
