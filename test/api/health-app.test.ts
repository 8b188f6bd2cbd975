import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { buildHealthApp } from '../../services/api/health-app.ts';
import { bootstrapCredentials } from '../../services/control/bootstrap.ts';
import { openControlView } from '../../services/control/view.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog } from '../support/simulated-log.ts';

test('a process without the API tells its health to everybody, its metrics to who may, and nothing else', async () => {
  const log = openSimulatedLog({ disk: newDisk({ partitions: 1, random: () => 0.5 }), clock: manualClock() });
  const credentials = await bootstrapCredentials(log, { clock: systemClock, randomBytes });
  const view = await openControlView(log, systemClock);
  let ready = true;
  const app = await buildHealthApp({
    clock: systemClock,
    telemetry: silentTelemetry(),
    randomBytes,
    control: view,
    readiness: async () => ({ ready, reasons: [] }),
    metrics: async () => 'countersign_items 1\n',
  });
  const get = async (url: string, role?: string) => {
    const token = credentials.find(({ principal }) => principal.subject === role)?.token;
    return app.inject({ url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  };
  try {
    assert.deepEqual((await get('/health')).json(), { status: 'alive' });
    assert.deepEqual(
      [(await get('/health/ready')).statusCode, (await get('/health/ready')).json()],
      [200, { status: 'ready' }],
    );
    ready = false;
    assert.equal((await get('/health/ready')).statusCode, 503);
    assert.equal((await get('/metrics')).statusCode, 401);
    assert.equal((await get('/metrics', 'ingest')).statusCode, 403);
    const metrics = await get('/metrics', 'siem');
    assert.deepEqual([metrics.statusCode, metrics.body], [200, 'countersign_items 1\n']);
    assert.equal(metrics.headers['cache-control'], 'no-store');
    assert.equal((await get('/v1/alerts')).statusCode, 401, 'strangers do not learn what is not there');
    const unknown = await get('/v1/alerts', 'admin');
    assert.deepEqual([unknown.statusCode, unknown.json().error.code], [404, 'route_unknown']);
  } finally {
    await app.close();
    await view.close();
    await log.close();
  }
});
