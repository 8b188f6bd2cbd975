import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { ControlRecord } from '../../schemas/control.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { ControlLogBroken, ControlLogTruncated } from '../../services/control/chain.ts';
import { openControlView } from '../../services/control/view.ts';
import { appendControl, foldControl, readPosition } from '../../services/control/writer.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { bootstrapPeople, openDesk, respond, until } from '../contain/harness.ts';
import {
  auditingWith,
  emptyStage,
  exportOf,
  newSigner,
  recordsOf,
  SECRET,
  type Stage,
  verify,
  work,
} from './support.ts';

/** Readers and writers of the control log, when the log is not what was written. */
let stage: Stage;

beforeEach(() => {
  stage = emptyStage();
});

afterEach(() => stage.log.close());

const hash = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');

function held(): { value: Buffer }[] {
  const [partition] = stage.disk.topics.get(TOPICS.control)?.partitions ?? [];
  return (partition?.records as { value: Buffer }[] | undefined) ?? assert.fail('there is no control log');
}

/** Exchanges the bytes of a stored record. */
function change(index: number, by: (value: Buffer) => Buffer): void {
  const records = held();
  const record = records[index] ?? assert.fail('there is no such record');
  records[index] = { ...record, value: by(record.value) };
}

/** A log as it was before records were chained: the same records, in the clear, and a position that knows no head. */
async function unchain(): Promise<void> {
  const records = await recordsOf(stage.log);
  for (const [index, { chain: _, ...record }] of records.entries())
    change(index, () => Buffer.from(JSON.stringify(record)));
  const { head: _, writer, v: __, ...older } = JSON.parse(stage.disk.positions.get('control.writer') ?? '');
  stage.disk.positions.set('control.writer', JSON.stringify({ ...older, instance: writer }));
}

describe('the chain as it is written', () => {
  test('numbers from 1, and names the hash of the exact bytes before', async () => {
    await work(stage, auditingWith(newSigner().signer));
    const lines = await exportOf(stage.log);
    const nothing = hash('');
    for (const [index, line] of lines.entries()) {
      const { chain } = JSON.parse(line.toString('utf8')) as ControlRecord;
      assert.deepEqual(chain, { n: index + 1, prev: index === 0 ? nothing : hash(lines[index - 1] ?? '') });
    }
    const { position } = await readPosition(stage.log);
    assert.deepEqual(position.head, { n: lines.length, hash: hash(lines.at(-1) ?? '') });
  });

  test('goes on through bootstrap, repairs and several responders', async () => {
    await work(stage, auditingWith(newSigner().signer), 'first');
    const key: ControlRecord = {
      ...{ v: 1, who: { issuer: 'local', subject: 'admin' }, when: 1, what: 'repair', kind: 'key_revoked' },
      key: '0'.repeat(16),
    };
    await appendControl(stage.log, stage.clock, 'repair', () => [key]);
    await work(stage, auditingWith(newSigner().signer), 'second');
    const view = await openControlView(stage.log, stage.clock);
    assert.deepEqual(view.head(), (await readPosition(stage.log)).position.head);
    await view.close();
  });
});

describe('a log that was changed', () => {
  const readers: readonly (() => Promise<unknown>)[] = [
    () => openControlView(stage.log, stage.clock),
    () => foldControl(stage.log),
    () => appendControl(stage.log, stage.clock, 'repair', () => []),
    () =>
      respond(stage.log, stage.clock).ended.then((end) => {
        if (end.kind === 'failed') throw end.error;
      }),
  ];

  test('is refused by whoever reads it, at each record', async () => {
    await work(stage, auditingWith(newSigner().signer));
    const records = held();
    const before = [...records];
    // The last one is bound by the position alone: only who writes can tell.
    for (let index = 0; index < before.length - 1; index++) {
      change(index, (value) => Buffer.from(value.toString('utf8').replace('"when":1', '"when":2')));
      await assert.rejects(openControlView(stage.log, stage.clock), ControlLogBroken, `record ${index + 1}`);
      await assert.rejects(foldControl(stage.log), { code: 'control_log_broken' });
      records.splice(0, records.length, ...before);
    }
    change(3, (value) => Buffer.from(value.toString('utf8').replace('"when":1', '"when":2')));
    for (const reader of readers) await assert.rejects(reader, ControlLogBroken);
  });

  test('names the record and what to do', async () => {
    await bootstrapPeople(stage.log, stage.clock);
    change(1, (value) => Buffer.from(value.toString('utf8').replace('"when":1', '"when":2')));
    await assert.rejects(foldControl(stage.log), /offset 2: record 3 names [0-9a-f]{64} .* audit export --from-log/);
  });

  test('with records out of place, missing or twice', async () => {
    await work(stage, auditingWith(newSigner().signer));
    const before = [...held()];
    const [first, second, third] = before.slice(4, 7);
    assert.ok(first && second && third);
    for (const middle of [
      [second, first, third],
      [first, third],
      [first, second, second, third],
    ]) {
      const records = [...before.slice(0, 4), ...middle, ...before.slice(7)];
      const again = emptyStage();
      const [partition] = again.disk.topics.get(TOPICS.control)?.partitions ?? [];
      assert.ok(partition);
      partition.records = records.map((record, offset) => ({ ...record, offset }) as never);
      partition.end = records.length;
      await assert.rejects(foldControl(again.log), /where record \d+ should stand, there is record \d+/);
    }
  });

  test('while a process follows it', async () => {
    await bootstrapPeople(stage.log, stage.clock);
    const view = await openControlView(stage.log, stage.clock);
    const forged = {
      v: 1,
      who: { issuer: 'x', subject: 'y' },
      when: 1,
      what: '',
      kind: 'key_revoked',
      key: '0'.repeat(16),
    };
    const chain = { n: view.head().n + 1, prev: hash('something else') };
    const value = Buffer.from(JSON.stringify({ ...forged, chain }));
    await stage.log.transact({ records: [{ topic: TOPICS.control, partition: 0, key: '', value }] });
    const end = await view.stopped;
    assert.ok(end.kind === 'failed' && end.error instanceof ControlLogBroken);
  });

  test('by somebody who adds a record with the right hash, and no right to write', async () => {
    await work(stage, auditingWith(newSigner().signer));
    const { position } = await readPosition(stage.log);
    const chain = { n: position.head.n + 1, prev: position.head.hash };
    const record = {
      v: 1,
      who: { issuer: 'x', subject: 'y' },
      when: 1,
      what: '',
      kind: 'key_revoked',
      key: '0'.repeat(16),
    };
    const value = Buffer.from(JSON.stringify({ ...record, chain }));
    await stage.log.transact({ records: [{ topic: TOPICS.control, partition: 0, key: '', value }] });
    const end = await respond(stage.log, stage.clock).ended;
    assert.ok(end.kind === 'failed' && end.error instanceof ControlLogBroken);
  });

  test('that lost its tail', async () => {
    await work(stage, auditingWith(newSigner().signer));
    const [partition] = stage.disk.topics.get(TOPICS.control)?.partitions ?? [];
    assert.ok(partition);
    partition.records.length -= 1;
    partition.end -= 1;
    await assert.rejects(
      appendControl(stage.log, stage.clock, 'x', () => []),
      ControlLogTruncated,
    );
    const end = await respond(stage.log, stage.clock).ended;
    assert.ok(
      end.kind === 'failed' && (end.error instanceof ControlLogTruncated || end.error instanceof ControlLogBroken),
    );
  });
});

describe('a log of before there was a chain', () => {
  test('goes on chained, and everything before is bound as one', async () => {
    const { signer } = newSigner();
    await bootstrapPeople(stage.log, stage.clock);
    const desk = await openDesk(stage.log, stage.clock);
    const subscription = {
      id: 'old',
      url: 'https://example.com/',
      secrets: [SECRET],
      format: 'ocsf',
      severity_min: 'low',
    };
    const earlier = respond(stage.log, stage.clock);
    await desk.ask('admin', { type: 'subscription_set', subscription } as never);
    await earlier.stop();
    await desk.view.close();
    await unchain();
    const before = held().map(({ value }) => value);
    assert.ok(
      before.some((value) => value.includes(SECRET)),
      'in the clear, as it was',
    );

    await work(stage, auditingWith(signer));
    const records = await recordsOf(stage.log);
    const first = records[before.length]?.chain;
    const prefix = hash(Buffer.concat(before.map((value) => createHash('sha256').update(value).digest())));
    assert.deepEqual(first, { n: before.length + 1, prev: prefix });
    const { state } = await foldControl(stage.log);
    assert.deepEqual(state.subscriptions.get('old')?.subscription.secrets, [SECRET]);

    const lines = await exportOf(stage.log);
    assert.ok(!Buffer.concat(lines).includes(SECRET.slice(6)), 'and not in an export');
    const sample = { lines, checkpoints: [], signer, pem: '' };
    const report = await verify(sample);
    assert.deepEqual([report.problems, report.unchained, report.covered], [[], before.length, lines.length]);
    for (let index = 0; index < before.length; index++) {
      const altered = lines.with(
        index,
        Buffer.from(lines[index]?.toString('utf8').replace(/([0-9a-f])"/, '0"x') ?? ''),
      );
      const { problems } = await verify({ ...sample, lines: altered });
      assert.ok(problems[0]?.n === before.length + 1 || problems[0]?.n === index + 1);
      const { problems: dropped } = await verify({ ...sample, lines: lines.toSpliced(index, 1) });
      assert.equal(dropped[0]?.code, 'chain_broken');
    }
  });

  test('is not gone back to', async () => {
    await bootstrapPeople(stage.log, stage.clock);
    const { chain: _, ...record } = (await recordsOf(stage.log))[0] ?? assert.fail();
    const value = Buffer.from(JSON.stringify(record));
    await stage.log.transact({ records: [{ topic: TOPICS.control, partition: 0, key: '', value }] });
    await assert.rejects(foldControl(stage.log), /is in no chain/);
  });

  test('a version that knows no chain cannot read the position, and so writes nothing', async () => {
    await bootstrapPeople(stage.log, stage.clock);
    const stored = JSON.parse(stage.disk.positions.get('control.writer') ?? '') as Record<string, unknown>;
    assert.equal(stored.instance, undefined, 'the first version demands it');
  });
});

describe('checkpoints', () => {
  test('are signed after so many records, after a while, and at the end; not while nothing happens', async () => {
    await bootstrapPeople(stage.log, stage.clock);
    const responder = respond(stage.log, stage.clock, { audit: auditingWith(newSigner().signer, { records: 1000 }) });
    const desk = await openDesk(stage.log, stage.clock);
    const signed = (): number | undefined => desk.view.state.audit.checkpoint?.n;
    // The first one at once: a log that nobody has signed yet waits for nothing.
    const first = await until(desk.view, signed);
    assert.equal(desk.view.head().n, first + 1);
    await desk.ask('admin', { type: 'key_revoke', key: '0'.repeat(16) });
    assert.equal(signed(), first);
    stage.clock.advance(60_000);
    const second = await until(desk.view, () => (signed() === first ? undefined : signed()));
    assert.equal(desk.view.head().n, second + 1);
    stage.clock.advance(10 * 60_000);
    await desk.ask('admin', { type: 'key_revoke', key: '1'.repeat(16) });
    await responder.stop();
    const { state, chain } = await foldControl(stage.log);
    assert.equal(state.audit.checkpoint?.n, chain.n - 1, 'the last record is a checkpoint of all before it');
    const again = respond(stage.log, stage.clock, { audit: auditingWith(newSigner().signer), instance: 'again' });
    await until(desk.view, () => (desk.view.state.audit.keys.length === 2 ? true : undefined));
    await again.stop();
    assert.ok(LIMITS.audit_keys_max > 2);
    await desk.view.close();
  });

  test('a changed configuration is on record, by the names of its fields', async () => {
    const { signer } = newSigner();
    const ran = async (name: string, configuration: object): Promise<void> => {
      const { configurationDigest } = await import('../../services/control/auditor.ts');
      await work(stage, auditingWith(signer, { configuration: configurationDigest(configuration) }), name);
    };
    await ran('one', { contain: { approvals: 1 }, url: 'https://example.com/hook/s3cret' });
    await ran('two', { contain: { approvals: 1 }, url: 'https://example.com/hook/s3cret' });
    await ran('three', { contain: { approvals: 2 }, url: 'https://example.com/hook/s3cret', extra: [1] });
    const changes = (await recordsOf(stage.log)).filter((record) => record.kind === 'configuration_changed');
    assert.deepEqual(
      changes.map(({ changed }) => changed),
      [
        ['contain.approvals', 'url'],
        ['contain.approvals', 'extra'],
      ],
    );
    assert.ok(!JSON.stringify(changes).includes('s3cret'));
  });

  test('a new key is vouched for by the old one, where that is at hand', async () => {
    const [one, two, three] = [newSigner().signer, newSigner().signer, newSigner().signer];
    await work(stage, auditingWith(one), 'one');
    await work(stage, auditingWith(two, { previous: one }), 'two');
    await work(stage, auditingWith(three), 'three');
    const lines = await exportOf(stage.log);
    const sample = { lines, checkpoints: [], signer: one, pem: '' };
    const report = await verify(sample);
    assert.deepEqual(
      report.keys.map(({ trust }) => trust),
      ['given', 'endorsed', 'named'],
    );
    assert.equal(report.problems[0]?.code, 'key_untrusted');
    const both = await verify(sample, { keys: [one.key, three.key] });
    assert.deepEqual(both.problems, []);
    assert.deepEqual((await verify(sample, { keys: [] })).problems, []);
  });
});
