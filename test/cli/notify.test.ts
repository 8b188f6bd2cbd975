import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { StatusAnswer } from '../../schemas/api/status.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { dataDirAt } from '../../services/platform/data-dir.ts';
import { openSqliteLog } from '../../services/platform/sqlite-log/sqlite-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { bootstrapPeople, feed, openDesk } from '../contain/harness.ts';
import { alertOf } from '../contain/samples.ts';
import { openMailServer } from '../deliver/mail-server.ts';
import { openReceiver, SECRET, signedWith } from '../deliver/receiver.ts';
import { call, startService, temporaryDirectory } from '../support/service-process.ts';

test('the service tells of what waits and of what became of it, by mail and to a program', {
  timeout: 120_000,
}, async (t) => {
  const { path, remove } = await temporaryDirectory();
  t.after(remove);
  const dir = dataDirAt(join(path, 'data'));
  mkdirSync(dir.root, { mode: 0o700 });
  const mailbox = await openMailServer({ hideSTARTTLS: true });
  const program = await openReceiver();
  t.after(async () => {
    await mailbox.close();
    await program.close();
  });
  writeFileSync(join(dir.root, 'url'), program.url, { mode: 0o600 });
  writeFileSync(join(dir.root, 'secret'), SECRET, { mode: 0o600 });
  const public_url = 'https://countersign.example.com';
  const notify = {
    debounce_ms: 0,
    mail: {
      host: 'localhost',
      port: mailbox.port,
      tls: 'none',
      from: 'countersign@example.com',
      recipients: [{ address: 'ada@example.com' }],
    },
    chat: [{ name: 'bot', kind: 'webhook', url_file: 'url', secret_file: 'secret' }],
  };
  writeFileSync(join(dir.root, 'countersign.yaml'), JSON.stringify({ public_url, notify }));
  const log = openSqliteLog({ path: dir.log, clock: systemClock, telemetry: silentTelemetry(), partitions: 2 });
  const people = await bootstrapPeople(log, systemClock);
  const desk = await openDesk(log, systemClock, 60_000);
  const service = await startService(dir.root, { COUNTERSIGN_LOG_PARTITIONS: '2' });
  t.after(async () => {
    await service.kill('SIGKILL');
    await desk.view.close();
    await log.close();
  });

  await feed(log, alertOf());
  const [proposed] = await mailbox.arrived(1);
  const { id, digest } = desk.only();
  assert.match(proposed?.parsed.subject ?? '', /Approval needed: restrict tool mail\.send of agent-7 \(high\)/);
  assert.ok(proposed?.parsed.text?.includes(`https://countersign.example.com/containments/${id}`));
  assert.equal((await desk.ask('ben', { type: 'deny', containment: id, digest, comment: 'known' })).kind, 'done');
  const [, denied] = await mailbox.arrived(2);
  assert.match(denied?.parsed.subject ?? '', /Denied/);
  assert.equal(denied?.parsed.references, proposed?.parsed.references, 'one conversation');

  const token = people.find(({ principal }) => principal.subject === 'admin')?.token ?? '';
  for (;;) {
    const { body } = await call(service, token, '/v1/status');
    const { notify: lanes, counters } = body as ReturnType<typeof StatusAnswer.parse>;
    if ((counters.notify_sent ?? 0) < 4) continue;
    assert.deepEqual(lanes, [
      { channel: 'mail', to: 'a***@example.com', state: 'idle', attempts: 0, given_up: 0 },
      { channel: 'webhook', to: 'bot', state: 'idle', attempts: 0, given_up: 0 },
    ]);
    break;
  }
  const kinds = program.received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
  assert.deepEqual(kinds, ['containment.proposed', 'containment.denied']);
  assert.ok(program.received.every((one) => signedWith(SECRET, one)));
});
