import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { z } from 'zod';
import type { AuditPage } from '../../schemas/api/audit.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import type { Ports } from '../../services/api/ports.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { exportOf } from '../audit/support.ts';
import { type Service, startService } from './support/service.ts';

const PER_MINUTE = LIMITS.sign_in_audits_per_minute;
const TYPED = 'a password that was typed';
const NOBODY = 'no-such-person';

describe('refused sign-ins in the audit log', { concurrency: 1 }, () => {
  let service: Service;
  let ahead_ms = 0;
  before(async () => {
    const began = systemClock.elapsed();
    const clock = { ...systemClock, elapsed: () => began + ahead_ms };
    service = await startService({ change: (ports: Ports): Ports => ({ ...ports, clock }) });
  });
  after(() => service.close());
  /** Attempts of before are forgotten, and a new minute begins. */
  beforeEach(() => {
    ahead_ms += LIMITS.sign_in_span_ms + UNITS.MINUTE_MS;
  });

  const post = async (url: string, payload: object): Promise<string> => {
    const answer = await service.app.inject({ method: 'POST', url, payload });
    return answer.json<{ error: { code: string } }>().error.code;
  };
  const guess = (): Promise<string> =>
    post('/auth/link', { token: `csl_${'0'.repeat(32)}_${'a'.repeat(32)}`, password: TYPED });
  /** Those that came after `seen`. Commands are decided in their order, so one more brings all before it. */
  const refused = async (seen = 0) => {
    await service.as('root', { method: 'DELETE', url: `/v1/keys/${'0'.repeat(16)}` });
    const page = (await service.as('siem', '/v1/audit?kind=sign_in_refused&limit=500')).json<
      z.infer<typeof AuditPage>
    >();
    return page.items.slice(seen).map(({ record }) => {
      const { reason, more, address, principal } = record as Record<string, unknown>;
      return { reason, more, address, principal };
    });
  };

  test('stand with their reason and from where, and of whom when there is such a person', async () => {
    assert.equal(await post('/auth/password', { name: 'viewer', password: TYPED }), 'sign_in_refused');
    assert.equal(await post('/auth/password', { name: NOBODY, password: TYPED }), 'sign_in_refused');
    assert.equal(await guess(), 'link_refused');
    const from = { more: 0, address: '127.0.0.1' };
    assert.deepEqual(await refused(), [
      { ...from, reason: 'wrong_password', principal: { issuer: 'local', subject: 'viewer' } },
      { ...from, reason: 'unknown_name', principal: undefined },
      { ...from, reason: 'link_refused', principal: undefined },
    ]);
  });

  test('are so many a minute; how many more there were stands in the next', async () => {
    const seen = (await refused()).length;
    const attempts = LIMITS.sign_in_failures_network_max + PER_MINUTE;
    const codes: string[] = [];
    for (let i = 0; i < attempts; i++) codes.push(await guess());
    assert.deepEqual([codes[0], codes.at(-1)], ['link_refused', 'sign_in_limited']);
    assert.equal((await refused(seen)).length, PER_MINUTE);
    ahead_ms += UNITS.MINUTE_MS;
    await guess();
    const [next, ...none] = await refused(seen + PER_MINUTE);
    assert.deepEqual([next?.reason, next?.more, none], ['too_many', attempts - PER_MINUTE, []]);
  });

  test('hold nothing that was typed, and no name that does not exist', async () => {
    const whole = Buffer.concat(await exportOf(service.log));
    assert.ok(whole.includes('sign_in_refused'));
    for (const hidden of [TYPED, NOBODY, 'csl_']) assert.ok(!whole.includes(hidden), hidden);
  });
});
