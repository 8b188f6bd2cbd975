import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { createFailures, type Failures } from '../../services/api/failures.ts';
import { manualClock } from '../support/manual-clock.ts';

const exhaust = (failures: Failures, address: string): void => {
  for (let i = 0; i < LIMITS.auth_failures_max; i++) assert.equal(failures.count(address), undefined);
};

describe('failed authentications', () => {
  test('are free up to the limit of a span, then told how long to wait, then free again', () => {
    const clock = manualClock();
    const failures = createFailures(clock);
    exhaust(failures, '192.0.2.1');
    assert.equal(failures.count('192.0.2.1'), LIMITS.auth_failures_span_ms / 1000);
    clock.advance(LIMITS.auth_failures_span_ms - 1);
    assert.equal(failures.count('192.0.2.1'), 1);
    clock.advance(1);
    assert.equal(failures.count('192.0.2.1'), undefined);
  });

  test('of one address are not those of another', () => {
    const failures = createFailures(manualClock());
    exhaust(failures, '192.0.2.1');
    assert.equal(failures.count('192.0.2.2'), undefined);
    assert.notEqual(failures.count('192.0.2.1'), undefined);
  });

  test('of one IPv6 network of 64 bits are counted together, however the address is written', () => {
    for (const [one, same, other] of [
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff', '2001:db8:1:3::1'],
      ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1'],
      ['2001:db8::1', '2001:db8:0:0:1::', '2001:db9::1'],
      ['::1', '::2', '1::1'],
      ['fe80::', 'fe80::1:2:3:4', 'fe80:0:0:1::'],
    ] as const) {
      const failures = createFailures(manualClock());
      exhaust(failures, one);
      assert.notEqual(failures.count(same), undefined, `${one} and ${same} are one network`);
      assert.equal(failures.count(other), undefined, `${one} and ${other} are two`);
    }
  });

  test('of IPv4 addresses in IPv6 form are counted one by one', () => {
    const failures = createFailures(manualClock());
    exhaust(failures, '::ffff:192.0.2.1');
    assert.equal(failures.count('::ffff:192.0.2.2'), undefined);
  });

  test('are remembered of so many addresses, and the one that was quiet longest is forgotten', () => {
    const failures = createFailures(manualClock());
    exhaust(failures, '192.0.2.1');
    for (let i = 0; i < LIMITS.auth_addresses_max - 1; i++)
      failures.count(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.notEqual(failures.count('192.0.2.1'), undefined);
    for (let i = 0; i < LIMITS.auth_addresses_max; i++) failures.count(`11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);
    assert.equal(failures.count('192.0.2.1'), undefined);
  });
});
