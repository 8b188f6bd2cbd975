import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { ControlRecord } from '../../schemas/control.ts';
import { ControlLogBroken } from '../../services/control/chain.ts';
import { decodeRecord, encodeRecord, SEALED, tellsSecrets, withoutSecrets } from '../../services/control/sealed.ts';
import { SECRET } from './support.ts';

const link = { n: 1, prev: '0'.repeat(64) };
const audit = { v: 1, who: { issuer: 'local', subject: 'admin' }, when: 1, what: '' } as const;
const record: ControlRecord = {
  ...audit,
  kind: 'subscription_set',
  subscription: { id: 'soc', url: 'https://example.com/', secrets: [SECRET], format: 'ocsf', severity_min: 'low' },
};

describe('secrets of control records', () => {
  test('stand behind the line that is hashed, which holds a commitment to them', () => {
    const { value, line } = encodeRecord(record, link);
    assert.ok(!line.includes(SECRET) && value.includes(SECRET));
    assert.deepEqual(value.subarray(0, line.length), line);
    assert.equal(value[line.length], 0x0a);
    const { sealed } = JSON.parse(line.toString('utf8')).subscription.secrets as { sealed: string };
    const opened = JSON.parse(value.subarray(line.length + 1).toString('utf8'))[sealed] as {
      salt: string;
      value: string;
    };
    const salt = Buffer.from(opened.salt, 'base64');
    assert.equal(salt.length, 32);
    assert.equal(createHash('sha256').update(salt).update(opened.value).digest('hex'), sealed);
    assert.deepEqual(ControlRecord.parse(decodeRecord(value).json), { ...record, chain: link });
  });

  test('the same secret looks different every time', () => {
    const lines = new Set(Array.from({ length: 8 }, () => encodeRecord(record, link).line.toString('utf8')));
    assert.equal(lines.size, 8);
  });

  test('a secret that was exchanged, altered or taken away is noticed', () => {
    const { value, line } = encodeRecord(record, link);
    const other = encodeRecord(
      { ...record, subscription: { ...record.subscription, secrets: [SECRET, SECRET] } },
      link,
    );
    const altered = Buffer.from(value.toString('utf8').replace(SECRET.slice(10, 14), 'AAAA'));
    const exchanged = Buffer.concat([line, other.value.subarray(other.line.length)]);
    for (const bad of [altered, exchanged, line, Buffer.concat([line, Buffer.from('\n{}')])]) {
      assert.throws(() => decodeRecord(bad), ControlLogBroken);
    }
  });

  test('a record of before, in the clear, is read as it is and shown without', () => {
    const old = Buffer.from(JSON.stringify(record));
    assert.deepEqual(decodeRecord(old).json, record);
    assert.ok(tellsSecrets(record));
    assert.ok(!JSON.stringify(withoutSecrets(record, 'x')).includes(SECRET));
  });

  test('a record without secrets is one line', () => {
    const removed: ControlRecord = { ...audit, kind: 'subscription_removed', subscription: 'soc' };
    const { value, line } = encodeRecord(removed, link);
    assert.equal(value, line);
    assert.ok(!tellsSecrets(removed));
  });

  /** Whoever adds a kind of record with something of this name in it must say whether it is sealed. */
  test('nothing that is a secret by its name stands in a record unsealed', () => {
    const PUBLIC = ['command_outcome.command_digest', 'containment_changed.containment.digest'];
    const found: string[] = [];
    const look = (schema: z.core.JSONSchema.BaseSchema, path: string[]): void => {
      for (const [name, inner] of Object.entries(schema.properties ?? {})) {
        if (typeof inner === 'boolean') continue;
        const at = [...path, name];
        if (/secret|password|verifier|token|salt|^hash$/.test(name)) found.push(at.join('.'));
        else look(inner, at);
      }
      for (const inner of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) look(inner, path);
    };
    for (const option of ControlRecord.options) {
      look(z.toJSONSchema(option, { io: 'input' }), [String(option.shape.kind.value)]);
    }
    const sealed = Object.entries(SEALED).flatMap(([kind, paths]) => paths.map((path) => [kind, ...path].join('.')));
    const open = found.filter((name) => !sealed.includes(name) && !PUBLIC.includes(name));
    assert.deepEqual(open, [], 'add it to SEALED in services/control/sealed.ts');
    assert.ok(found.length >= 2);
  });
});
