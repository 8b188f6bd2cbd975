import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { EXIT } from '../../services/cli/problem.ts';
import { type Ended, records, run, tempDir, up } from './support.ts';

/** The whole way as an auditor goes it: with the real command line, a real service, and what it leaves behind. */
test('the audit log from the first start to a verification elsewhere', async (t) => {
  const directory = await tempDir(t);
  const data = path.join(directory, 'data');
  const file = (name: string): string => path.join(directory, name);
  const first = await up(data);
  const cs = (service: { env: Readonly<Record<string, string>> }, ...args: string[]): Promise<Ended> =>
    run(['--data', data, 'audit', ...args], { env: service.env });
  const verify = (...args: string[]): Promise<Ended> => run(['--json', 'audit', 'verify', ...args]);
  const codes = (ended: Ended): unknown[] =>
    ((records(ended)[0]?.problems ?? []) as { code: string; n?: number }[]).map(({ code, n }) => [code, n]);

  const key = await cs(first, 'key');
  assert.match(key.stdout, /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n$/);
  await writeFile(file('audit.pub'), key.stdout);
  const made = await run(['--json', 'subscriptions', 'set', 'soc', '--to', 'https://example.com/'], { env: first.env });
  const secret = String(records(made)[0]?.new_secret);
  assert.match(secret, /^whsec_/);
  const listed = await cs(first, 'list', '--kind', 'subscription_set', '--json');
  assert.deepEqual(
    records(listed).map(({ what }) => what),
    ['subscription soc set'],
  );
  assert.match((await cs(first, 'list')).stdout, /configuration_changed +configuration recorded/);
  const kinds = records(await cs(first, 'list', '--json')).map(({ kind }) => kind);
  for (const kind of ['principal_created', 'key_created', 'responder_fence', 'audit_key_set', 'checkpoint_signed']) {
    assert.ok(kinds.includes(kind), kind);
  }
  const running = await cs(first, 'export');
  assert.equal(running.code, EXIT.done, running.stderr);
  assert.ok(!running.stdout.includes(secret.slice(6)));
  await first.stop();

  // The service is stopped: it has signed everything, and the log can be read without it.
  assert.equal((await run(['--data', data, 'audit', 'rotate-key'])).code, EXIT.done);
  const again = await up(data, { COUNTERSIGN_AUDIT_CHECKPOINT_RECORDS: '5' });
  await again.stop();
  const whole = await run(['--data', data, 'audit', 'export', '--from-log']);
  assert.ok(whole.stdout.startsWith(running.stdout), 'what was exported before is the beginning of it');
  await writeFile(file('audit.ndjson'), whole.stdout);
  const kept = path.join(data, 'audit-checkpoints.jsonl');
  const evidence = ['--checkpoints', kept, '--key', file('audit.pub')];
  const verified = await verify(file('audit.ndjson'), ...evidence);
  const [report] = records(verified);
  assert.deepEqual([verified.code, codes(verified)], [EXIT.done, []], verified.stderr);
  assert.equal(report?.covered, report?.last, 'to the last record');
  assert.equal(report?.outside, (await readFile(kept, 'utf8')).trimEnd().split('\n').length);
  assert.deepEqual(
    (report?.keys as { trust: string }[] | undefined)?.map(({ trust }) => trust),
    ['given', 'endorsed'],
  );
  const text = await run(['audit', 'verify', file('audit.ndjson'), ...evidence]);
  assert.match(text.stdout, /^VERIFIED Records 1 to \d+ follow on each other\.\n/);

  const lines = whole.stdout.trimEnd().split('\n');
  await writeFile(file('cut.ndjson'), `${lines.slice(0, 8).join('\n')}\n`);
  const cut = await verify(file('cut.ndjson'), ...evidence);
  assert.deepEqual([cut.code, codes(cut)[0]], [EXIT.failed, ['tail_missing', 9]]);
  await writeFile(
    file('altered.ndjson'),
    whole.stdout.replace('"what":"subscription soc set"', '"what":"subscription sox set"'),
  );
  const altered = await verify(file('altered.ndjson'));
  assert.equal(altered.code, EXIT.failed);
  const at = lines.findIndex((line) => line.includes('subscription soc set')) + 1;
  assert.deepEqual(codes(altered), [['chain_broken', at + 1]]);
  assert.match(
    (await run(['audit', 'verify', file('altered.ndjson')])).stdout,
    new RegExp(`BROKEN record ${at + 1} names`),
  );
  for (const args of [[file('nothing')], [file('audit.ndjson'), '--key', file('cut.ndjson')], []]) {
    assert.equal((await verify(...args)).code, EXIT.usage);
  }

  // Somebody alters the log itself, of a service that is stopped.
  assert.equal(tamper(path.join(data, 'log.sqlite'), 'subscription soc set', 'subscription sox set'), 1);
  const refused = await run(['--data', data, '--json', 'up'], { env: { COUNTERSIGN_LISTEN_PORT: '0' } });
  assert.deepEqual(
    [refused.code, (records(refused)[0]?.error as { code: string } | undefined)?.code],
    [EXIT.failed, 'control_log_broken'],
  );
  const broken = await run(['--data', data, 'audit', 'export', '--from-log']);
  await writeFile(file('broken.ndjson'), broken.stdout);
  assert.deepEqual(codes(await verify(file('broken.ndjson'))), [['chain_broken', at + 1]]);
});

/** Exchanges text in stored records, and makes the file's own check sums right again. */
function tamper(file: string, from: string, to: string): number {
  const db = new DatabaseSync(file);
  let changed = 0;
  const tables = db.prepare("select name from sqlite_master where name like 'stream\\_%' escape '\\'").all();
  for (const { name } of tables as { name: string }[]) {
    const rows = db.prepare(`select last_offset, body from ${name}`).all() as {
      last_offset: number;
      body: Uint8Array;
    }[];
    for (const { last_offset, body } of rows) {
      const bytes = Buffer.from(body);
      const at = bytes.indexOf(from);
      if (at === -1) continue;
      bytes.write(to, at);
      db.prepare(`update ${name} set body = ?, crc = ? where last_offset = ?`).run(bytes, crc32(bytes), last_offset);
      changed += 1;
    }
  }
  db.close();
  return changed;
}
