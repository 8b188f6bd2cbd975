import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { CLOUDTRAIL_FIELDS } from '../../services/ingest/cloudtrail/fields.ts';
import { decideItem, type Item } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { createSplitter } from '../../services/ingest/split.ts';
import { assumedRole, record } from './cloudtrail-support.ts';
import { atPath, byteMutations, mutations, oddValue } from './hostile-support.ts';
import { context, itemOf } from './support.ts';

const formats = normalisersOf('cloudtrail', []);

/** One event or one dead letter for one document, both valid, whatever it is. */
function judge(document: unknown): 'accepted' | 'dead_letter' {
  const decided = decideItem(itemOf(JSON.stringify(document) ?? 'null'), context({ formats }));
  assert.equal(decided.length, 1);
  const [only] = decided;
  if (only?.kind === 'accepted') {
    assert.doesNotThrow(() => CanonicalEvent.parse(only.event));
    assert.ok(Buffer.byteLength(only.json) < 64 * 1024);
    return 'accepted';
  }
  if (only?.kind === 'dead_letter') {
    assert.doesNotThrow(() => DeadLetter.parse(only.letter));
    return 'dead_letter';
  }
  return assert.fail(only?.kind);
}

const full = record({
  userIdentity: { ...assumedRole('i-0123456789abcdef0', { sourceIdentity: 'ann' }), invokedBy: 'x.amazonaws.com' },
  eventName: 'PutBucketPolicy',
  requestParameters: { bucketName: 'b', bucketPolicy: { Statement: [{ Principal: '*' }] } },
  responseElements: { PutBucketPolicy: 'Success' },
  resources: [{ ARN: 'arn:aws:s3:::b', accountId: '111122223333', type: 'AWS::S3::Bucket' }],
  additionalEventData: { bytesTransferredIn: 1, bytesTransferredOut: 2 },
});

describe('hostile CloudTrail', () => {
  test('a value of any type at any field that is read: an event or a refusal', () => {
    for (const { from } of CLOUDTRAIL_FIELDS.rows) {
      const seen = new Set<string>();
      fc.assert(
        fc.property(oddValue, (value) => {
          seen.add(judge(atPath(full, from, value)));
        }),
        { numRuns: 60 },
      );
      assert.ok(seen.size > 0);
    }
  });

  test('many fields at once, and fields that nobody knows', () => {
    fc.assert(
      fc.property(mutations(full), (document) => {
        judge(document);
      }),
      { numRuns: 1_500 },
    );
  });

  test('parameters of any form', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom('AddPermission', 'CreateRole', 'X'), (value, name) => {
        const document = record({ eventName: name, requestParameters: value, responseElements: value });
        assert.equal(judge(document), 'accepted');
      }),
      { numRuns: 500 },
    );
  });

  test('envelopes within envelopes, deep lists and huge texts come to an end', () => {
    let nested: unknown = record();
    for (let depth = 0; depth < 12; depth++) nested = { detail: nested };
    assert.equal(judge(nested), 'dead_letter');
    let text = JSON.stringify(record());
    for (let depth = 0; depth < 6; depth++) text = JSON.stringify({ Message: text });
    assert.equal(judge(JSON.parse(text)), 'dead_letter');
    let deep: unknown = { principal: '*' };
    for (let depth = 0; depth < 27; depth++) deep = depth % 2 === 0 ? [deep] : { policy: deep };
    assert.equal(judge(record({ eventName: 'AddPermission', requestParameters: deep })), 'accepted');
    const wide = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`instanceId${index}`, { a: [1] }]));
    assert.equal(judge(record({ eventName: 'AddPermission', requestParameters: wide })), 'accepted');
    const long = 'i-'.repeat(LIMITS.item_bytes_max / 8);
    for (const field of ['eventName', 'eventSource', 'sourceIPAddress', 'errorCode', 'awsRegion'])
      assert.equal(judge(record({ [field]: long })), 'accepted', field);
    for (const field of ['arn', 'principalId']) judge(record({ userIdentity: { ...assumedRole('x'), [field]: long } }));
  });

  test('damaged files: the same items however the bytes come, each of them one decision or more', () => {
    const Records = [full, record({ eventID: 'b' }), record({ eventID: 'c' })];
    const files = [
      JSON.stringify({ Records }),
      JSON.stringify({ Records }, null, 1),
      Records.map((each) => JSON.stringify({ Records: [each] })).join(''),
      Records.map((each) => JSON.stringify(each, null, 1)).join('\n'),
      `{${' '.repeat(300)}"Records":${JSON.stringify(Records)}}`,
    ].map((text) => Buffer.from(text));
    const seen = { whole: 0 };
    for (const file of files)
      fc.assert(
        fc.property(byteMutations(file), fc.integer({ min: 1, max: 300 }), (bytes, chunk_bytes) => {
          const whole = itemsIn(bytes, bytes.length + 1);
          assert.deepEqual(itemsIn(bytes, chunk_bytes), whole);
          if (whole.length >= Records.length) seen.whole++;
          for (const item of whole) assert.ok(decideItem(item, context({ formats })).length > 0);
        }),
        { numRuns: 300 },
      );
    assert.ok(seen.whole > 0);
  });

  test('names that reach a prototype do nothing', () => {
    const text = JSON.stringify(record({ mark: 1 })).replace('"mark":1', '"__proto__":{"polluted":1},"constructor":2');
    const decided = decideItem(itemOf(text), context({ formats }));
    assert.equal(decided[0]?.kind, 'accepted');
    assert.equal(({} as Record<string, unknown>).polluted, undefined);
  });
});

function itemsIn(bytes: Buffer, chunk_bytes: number): readonly Item[] {
  const items: Item[] = [];
  const splitter = createSplitter('file');
  for (let at = 0; at < bytes.length; at += chunk_bytes) splitter.push(bytes.subarray(at, at + chunk_bytes), items);
  splitter.end(items);
  return items.map((item) => ({ ...item, bytes: Buffer.from(item.bytes) }));
}
