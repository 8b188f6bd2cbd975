import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { AuditProblem } from '../../services/control/audit-verify.ts';
import { checkpointRecord, claimsOf } from '../../services/control/checkpoints.ts';
import { newSigner, rechained, type Sample, SECRET, sample, verify } from './support.ts';

/**
 * Every way to change an export, at every record of it. `lines[i]` is record i + 1; the last record is a checkpoint, as
 * after every stop. Made into a record of another kind it is one that no signature covers, which a report says of it.
 */
let made: Sample;
let total: number;

before(async () => {
  made = await sample();
  total = made.lines.length;
});

const withLines = (lines: readonly Buffer[]): Sample => ({ ...made, lines });

/** Without anything from outside, the chain and the checkpoints in the export must tell by themselves. */
const alone = (lines: readonly Buffer[]) => verify(withLines(lines), { checkpoints: [] });

async function firstProblem(lines: readonly Buffer[], options: { readonly outside: boolean }): Promise<AuditProblem> {
  const report = options.outside ? await verify(withLines(lines)) : await alone(lines);
  assert.equal(report.ok, false);
  return report.problems[0] ?? assert.fail('it is not ok, and nothing is wrong');
}

/** True when the last record no longer says that it is a checkpoint. */
const uncovered = (line: Buffer): boolean => !line.includes('"kind":"checkpoint_signed"');

describe('an export as it was written', () => {
  test('verifies, with the last record covered by a signature', async () => {
    const report = await verify(made);
    assert.deepEqual(report.problems, []);
    assert.ok(total > 25 && made.checkpoints.length > 4, `${total} records, ${made.checkpoints.length} checkpoints`);
    assert.deepEqual([report.ok, report.first, report.last, report.covered], [true, 1, total, total]);
    assert.deepEqual([report.inside, report.outside], [made.checkpoints.length, made.checkpoints.length]);
    assert.deepEqual(report.keys, [{ kid: made.signer.key.kid, trust: 'given' }]);
  });

  test('holds no secret', () => {
    const text = Buffer.concat([...made.lines]).toString('utf8');
    assert.ok(text.includes('"secrets":{"sealed":"'));
    assert.ok(!text.includes(SECRET.slice(6, 40)));
    assert.doesNotMatch(text, /"hash":"[0-9a-f]{64}"[^}]*"principal"/);
  });

  test('from any record on, when that is said', async () => {
    for (let from = 2; from <= total; from++) {
      const lines = made.lines.slice(from - 1);
      const report = await verify(withLines(lines), { from });
      assert.deepEqual([report.problems, report.first, report.last], [[], from, total], `from ${from}`);
      const { code, n } = await firstProblem(lines, { outside: false });
      assert.deepEqual([code, n], ['chain_broken', 1], 'it does not pass for a whole one');
    }
  });

  test('nothing is no export', async () => {
    const { code } = await firstProblem([], { outside: false });
    assert.equal(code, 'export_empty');
  });
});

describe('changed at each record', () => {
  test('a bit flipped in each byte of each record', async () => {
    let flips = 0;
    for (const [index, line] of made.lines.entries()) {
      const n = index + 1;
      const chain_at = line.lastIndexOf('"chain":');
      for (let at = 0; at < line.length; at++) {
        const changed = Buffer.from(line);
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
        const lines = made.lines.with(index, changed);
        flips += 1;
        if (n === total && uncovered(changed) && (await alone(lines)).covered < n) continue;
        const found = await firstProblem(lines, { outside: false });
        const here = `record ${n}, byte ${at}: ${found.message}`;
        // The link to the record before it, or the one behind it that names its hash.
        assert.ok(found.n === n || found.n === n + 1, here);
        if (found.n === n + 1) assert.ok(found.code === 'chain_broken' && at < chain_at + '"chain":'.length, here);
      }
    }
    assert.ok(flips > 10_000, String(flips));
  });

  test('each field of each record changed, taken out, and one put in', async () => {
    for (const [index, line] of made.lines.entries()) {
      const record = JSON.parse(line.toString('utf8')) as Record<string, unknown>;
      const names = Object.keys(record);
      const changes = [
        ...names.map((name) => ({ ...record, [name]: 'other' })),
        ...names.map((name) => Object.fromEntries(Object.entries(record).filter(([other]) => other !== name))),
        { extra: true, ...record },
      ];
      for (const change of changes) {
        const changed = Buffer.from(JSON.stringify(change));
        const lines = made.lines.with(index, changed);
        if (index + 1 === total && uncovered(changed) && (await alone(lines)).covered < total) continue;
        const { n } = await firstProblem(lines, { outside: false });
        assert.ok(n === index + 1 || n === index + 2);
      }
    }
  });

  test('dropped', async () => {
    for (let index = 0; index < total - 1; index++) {
      const { code, n } = await firstProblem(made.lines.toSpliced(index, 1), { outside: false });
      assert.deepEqual([code, n], ['chain_broken', index + 1]);
    }
  });

  test('swapped with the one behind it', async () => {
    for (let index = 0; index < total - 1; index++) {
      const [first, second] = made.lines.slice(index, index + 2);
      assert.ok(first && second);
      const { code, n } = await firstProblem(made.lines.toSpliced(index, 2, second, first), { outside: false });
      assert.deepEqual([code, n], ['chain_broken', index + 1]);
    }
  });

  test('duplicated, and another one inserted behind it', async () => {
    for (const [index, line] of made.lines.entries()) {
      const other = made.lines[(index + 3) % total] ?? assert.fail();
      for (const inserted of [line, other, Buffer.from('{"kind":"gap_closed"}'), Buffer.alloc(0)]) {
        const { n } = await firstProblem(made.lines.toSpliced(index + 1, 0, inserted), { outside: false });
        assert.equal(n, index + 2);
      }
    }
  });

  test('a withheld line in the place of a chained record', async () => {
    for (const [index] of made.lines.entries()) {
      const withheld = Buffer.from(JSON.stringify({ withheld: { n: index + 1, sha256: '0'.repeat(64) } }));
      const { n } = await firstProblem(made.lines.with(index, withheld), { outside: false });
      // The first line may claim to be of before the chain; the one behind it says that there is no such thing.
      assert.ok(n === index + 1 || (index === 0 && n === 2));
    }
  });
});

describe('truncated at each record', () => {
  test('shows by the checkpoints that were kept elsewhere', async () => {
    const last_kept = claimsOf(made.checkpoints.at(-1) ?? '')?.n ?? 0;
    assert.equal(last_kept, total - 1);
    for (let kept = 0; kept < last_kept; kept++) {
      const lines = made.lines.slice(0, kept);
      const { problems } = await verify(withLines(lines));
      const found = problems.find(({ code }) => code === 'tail_missing') ?? (kept === 0 ? problems[0] : undefined);
      assert.equal(found?.n, kept === 0 ? undefined : kept + 1, `${kept} records`);
      const unkeyed = await verify(withLines(lines), { keys: [] });
      assert.ok(kept === 0 || unkeyed.problems.some(({ code }) => code === 'tail_missing'), 'without a key as well');
    }
  });

  test('in the middle of a record', async () => {
    for (const [index, line] of made.lines.entries()) {
      const cut = [...made.lines.slice(0, index), line.subarray(0, line.length >> 1)];
      const { code, n } = await firstProblem(cut, { outside: false });
      assert.deepEqual([code, n], ['record_unreadable', index + 1]);
    }
  });
});

describe('somebody who owns the log, and makes the chain anew', () => {
  const altered = (index: number): Buffer[] => {
    const record = JSON.parse(made.lines[index]?.toString('utf8') ?? '') as object;
    return rechained(made.lines.with(index, Buffer.from(JSON.stringify({ ...record, when: 1 }))), index);
  };

  test('is told by the next checkpoint in the log', async () => {
    for (let index = 0; index < total - 1; index++) {
      const { code, n } = await firstProblem(altered(index), { outside: false });
      const kinds = ['checkpoint_mismatch', 'checkpoint_altered'];
      assert.ok(kinds.includes(code) && (n ?? 0) > index, `record ${index + 1}: ${code} at ${n}`);
    }
  });

  test('cannot leave the checkpoints out either', async () => {
    const bare = made.lines.filter((line) => !line.includes('"kind":"checkpoint_signed"'));
    assert.equal((await firstProblem(rechained(bare, 0), { outside: false })).code, 'nothing_signed');
    assert.equal((await firstProblem(rechained(bare, 0), { outside: true })).code, 'checkpoint_mismatch');
  });

  test('and signs with a key of its own', async () => {
    const forger = newSigner().signer;
    let lines: Buffer[] = [];
    for (const line of made.lines) {
      const record = JSON.parse(line.toString('utf8')) as { kind: string; n: number; checkpoint: string };
      const head = rechained([...lines, Buffer.from('{}')], lines.length).at(-1);
      const { prev } = (JSON.parse(head?.toString('utf8') ?? '') as { chain: { prev: string } }).chain;
      let forged: object = record;
      if (record.kind === 'audit_key_set') forged = { ...record, key: forger.key };
      if (record.kind === 'checkpoint_signed') {
        const claims = { ...(claimsOf(record.checkpoint) ?? assert.fail()), hash: prev };
        forged = checkpointRecord(claims, forger.sign('countersign-checkpoint+jws', claims));
      }
      if (record.kind === 'principal_created') forged = { ...record, when: 1 };
      lines = rechained([...lines, Buffer.from(JSON.stringify(forged))], lines.length);
    }
    assert.equal(
      (await verify(withLines(lines), { checkpoints: [], keys: [] })).ok,
      true,
      'it is a sound log of somebody',
    );
    assert.equal((await firstProblem(lines, { outside: false })).code, 'key_untrusted');
    const kept = await verify(withLines(lines), { keys: [] });
    assert.equal(kept.problems[0]?.code, 'key_unknown');
  });
});

describe('checkpoints from outside', () => {
  test('of another log, altered, or no checkpoints at all', async () => {
    const other = await sample();
    const [first = '', second = ''] = made.checkpoints;
    const [head, , signature] = first.split('.');
    const mixed = [head, second.split('.')[1], signature].join('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const [jws, code] of [
      [other.checkpoints[0] ?? '', 'key_unknown'],
      [mixed, 'checkpoint_signature'],
      [`${none}.${first.split('.')[1]}.AA`, 'checkpoint_malformed'],
      ['nonsense', 'checkpoint_malformed'],
      [made.signer.sign('countersign-audit-key+jws', claimsOf(first) ?? {}), 'checkpoint_malformed'],
      [made.signer.sign('countersign-checkpoint+jws', { ...claimsOf(first), log: 'another' }), 'log_differs'],
    ] as const) {
      assert.equal((await verify(made, { checkpoints: [jws] })).problems[0]?.code, code, jws);
    }
  });
});
