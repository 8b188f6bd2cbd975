import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LIMITS } from '../../schemas/limits.ts';
import { type Decided, decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { itemsOfRecord } from '../../services/ingest/raw-items.ts';
import { readItems } from '../../services/ingest/source.ts';
import { acceptedRecord, record, refusedRecord } from './cloudtrail-support.ts';
import { context, itemOf, recordingOf } from './support.ts';

const formats = normalisersOf('cloudtrail', []);
const decide = (document: unknown): readonly Decided[] => decideItem(itemOf(document, 'here'), context({ formats }));
const idsOf = (decided: readonly Decided[]): readonly string[] =>
  decided.map((each) => (each.kind === 'accepted' ? each.event.id : each.kind));

async function decideFile(bytes: Buffer | string, chunk_bytes?: number): Promise<readonly Decided[]> {
  const decided: Decided[] = [];
  for await (const { items } of readItems(recordingOf(bytes, chunk_bytes)))
    for (const item of items) decided.push(...decideItem(item, context({ formats })));
  return decided;
}

const records = ['a', 'b', 'c'].map((eventID) => record({ eventID }));

describe('files', () => {
  const forms: Record<string, string | Buffer> = {
    'as S3 has them': gzipSync(JSON.stringify({ Records: records })),
    'written over several lines': JSON.stringify({ Records: records }, null, 3),
    'a list, written over several lines': JSON.stringify(records, null, 2),
    NDJSON: records.map((each) => JSON.stringify(each)).join('\n'),
    'single records, each over several lines': records.map((each) => JSON.stringify(each, null, 2)).join('\n'),
    'one behind another, as zcat gives them': records.map((each) => JSON.stringify({ Records: [each] })).join(''),
    'one a line': records.map((each) => `${JSON.stringify({ Records: [each] })}\n`).join(''),
    'a file, and then lines': `${JSON.stringify({ Records: records.slice(0, 2) })}\n${JSON.stringify(records[2])}`,
  };
  for (const [name, bytes] of Object.entries(forms)) {
    test(name, async () => {
      for (const chunk_bytes of [1, 7, 13, 64 * 1024])
        assert.deepEqual(idsOf(await decideFile(bytes, chunk_bytes)), ['a', 'b', 'c'], `in chunks of ${chunk_bytes}`);
    });
  }

  test('a list of any length is cut as it streams, far beyond what one item may hold', async () => {
    const filler = 'x'.repeat(2_000);
    const count = Math.ceil((2 * LIMITS.bundle_bytes_max) / filler.length);
    const many = Array.from({ length: count }, (_, index) => record({ eventID: `e-${index}`, userAgent: filler }));
    const decided = await decideFile(gzipSync(JSON.stringify({ Records: many }), { level: 1 }));
    assert.equal(decided.length, count);
    assert.ok(decided.every(({ kind }) => kind === 'accepted'));
  });

  test('one that breaks off gives its whole records and one dead letter', async () => {
    const whole = JSON.stringify({ Records: records });
    for (const end of [whole.length - 1, whole.length - 2, whole.length - 9]) {
      const decided = await decideFile(whole.slice(0, end));
      const letter = decided.at(-1);
      assert.equal(letter?.kind === 'dead_letter' ? letter.letter.reason : undefined, 'truncated_input', `at ${end}`);
      assert.deepEqual(idsOf(decided.slice(0, -1)), end === whole.length - 9 ? ['a', 'b'] : ['a', 'b', 'c']);
    }
  });

  test('what stands beside the list is one dead letter', async () => {
    const decided = await decideFile(`{"Records": ${JSON.stringify(records)}, "NextToken": "x"}`);
    assert.deepEqual(idsOf(decided), ['a', 'b', 'c', 'dead_letter']);
  });

  test('an empty one holds nothing', async () => {
    assert.deepEqual(await decideFile('{"Records": []}'), []);
  });

  test('positions are those of the records, also in a second file behind the first', async () => {
    const bad = { ...records[1], eventID: 5 };
    const text = `${JSON.stringify({ Records: [records[0]] })}\n${JSON.stringify({ Records: [records[0], bad] })}`;
    const letter = (await decideFile(text)).at(-1);
    assert.equal(letter?.kind === 'dead_letter' ? letter.letter.position : undefined, 'rec[2]');
  });

  test('lines behind a file keep their numbers, also when the file has many lines', async () => {
    const text = `${JSON.stringify({ Records: [records[0]] }, null, 1)}\n${JSON.stringify(records[1])}\n{"bad": 1}\n`;
    const letter = (await decideFile(text, 50)).at(-1);
    const line = text.split('\n').indexOf('{"bad": 1}') + 1;
    assert.equal(letter?.kind === 'dead_letter' ? letter.letter.position : undefined, `rec:${line}`);
  });

  test('a first line that is broken costs only itself', async () => {
    for (const first of ['{', '{"Rec', '{"Records"', '{"Records":', '{"Records": 5}']) {
      const decided = await decideFile(`${first}\n${records.map((each) => JSON.stringify(each)).join('\n')}\n`, 3);
      assert.deepEqual(idsOf(decided), ['dead_letter', 'a', 'b', 'c'], first);
    }
  });

  test('as one record of Kafka', () => {
    for (const value of [JSON.stringify({ Records: records }), JSON.stringify({ Records: records }, null, 2)]) {
      const items = itemsOfRecord({ value: Buffer.from(value) }, 'raw/0/0', formats);
      assert.deepEqual(idsOf(items.flatMap((item) => decideItem(item, context({ formats })))), ['a', 'b', 'c']);
    }
  });
});

describe('what delivers records', () => {
  const envelope = {
    version: '0',
    id: '315c1398-40ff-a850-213b-158f73e60175',
    'detail-type': 'AWS API Call via CloudTrail',
    source: 'aws.ec2',
    account: '111122223333',
    time: '2025-03-03T09:00:00Z',
    region: 'eu-central-1',
    resources: [],
    detail: record(),
  };
  const inner = JSON.stringify(record());
  const wrapped: Record<string, unknown> = {
    EventBridge: envelope,
    'EventBridge through SNS': { Type: 'Notification', TopicArn: 'arn', Message: JSON.stringify(envelope) },
    'EventBridge through SQS': { MessageId: 'm', Body: JSON.stringify(envelope) },
    'EventBridge through SNS and SQS': {
      MessageId: 'm',
      body: JSON.stringify({ Type: 'Notification', Message: JSON.stringify(envelope) }),
    },
    'a subscription of CloudWatch Logs': {
      messageType: 'DATA_MESSAGE',
      logGroup: 'g',
      logEvents: [{ id: '1', timestamp: 1, message: inner }],
    },
    'lookup-events': { Events: [{ EventId: 'x', EventName: 'y', CloudTrailEvent: inner }] },
    'a function that SNS calls': { Records: [{ EventSource: 'aws:sns', Sns: { Message: JSON.stringify(envelope) } }] },
    'Elastic, with what it was made from': { '@timestamp': 'x', event: { kind: 'event', original: inner } },
    "Elastic's store": { _index: 'trail', _source: record() },
    "Splunk's collector": { time: 1, event: record() },
    "Splunk's export": { preview: false, result: { _raw: inner } },
    'parts as text, from CloudTrail Lake': {
      ...record(),
      userIdentity: JSON.stringify(record().userIdentity),
      requestParameters: '{"instanceId":"i-1"}',
      eventTime: '2025-03-03 09:00:00.000',
    },
    'Logstash, with a time of its own': { ...record(), eventTime: undefined, '@timestamp': '2025-03-03T09:00:00.000Z' },
  };
  for (const [name, document] of Object.entries(wrapped)) {
    test(name, () => {
      const event = acceptedRecord(document);
      const { id, time, identity, tool } = acceptedRecord(record());
      assert.deepEqual([event.id, event.time, event.identity, event.tool], [id, time, identity, tool]);
      const auto = decideItem(itemOf(document), context({ formats: normalisersOf('auto', []) }));
      assert.deepEqual(idsOf(auto), [id]);
    });
  }

  test('of many, each is an item of its own, and a bad one keeps its bytes and its place', () => {
    const bad = { ...records[1], eventID: 5 };
    const decided = decide({ more: 1, Records: [records[0], bad, 7, records[2]] });
    assert.deepEqual(idsOf(decided), ['a', 'dead_letter', 'dead_letter', 'c']);
    const letter = decided[1]?.kind === 'dead_letter' ? decided[1].letter : undefined;
    assert.equal(letter?.position, 'here#Records[1]');
    assert.equal(letter?.field, 'eventID');
    assert.deepEqual(JSON.parse(Buffer.from(letter?.bytes ?? '', 'base64').toString()), bad);
  });

  test('more records than a document may hold are refused together', () => {
    const Records = [record(), ...Array.from({ length: LIMITS.bundle_items_max }, () => 0)];
    const [only, ...others] = decide({ more: 1, Records });
    assert.equal(others.length, 0);
    assert.equal(only?.kind === 'dead_letter' ? only.letter.reason : undefined, 'too_many_items');
  });
});

describe('what is no call', () => {
  test('Insights events are findings, also in auto', () => {
    const insight = { eventVersion: '1.11', eventType: 'AwsCloudTrailInsight', eventID: 'i', insightDetails: {} };
    for (const format of ['cloudtrail', 'auto'] as const) {
      const [only] = decideItem(itemOf(insight), context({ formats: normalisersOf(format, []) }));
      const letter = only?.kind === 'dead_letter' ? only.letter : undefined;
      assert.equal(letter?.reason, 'format_unknown');
      assert.match(letter?.message ?? '', /finding about many calls/);
    }
    assert.match(refusedRecord(record({ eventCategory: 'Insight' })).message, /finding/);
  });

  test('digests and notifications of files hold no records, and say what does', () => {
    const digest = { awsAccountId: '1', digestS3Bucket: 'b', logFiles: [] };
    assert.match(refusedRecord(digest).message, /digest file holds no records/);
    assert.match(refusedRecord({ s3Bucket: 'b', s3ObjectKey: ['k'] }).message, /send the file/);
    assert.equal(
      refusedRecord({ Records: [{ eventSource: 'aws:s3', eventName: 'x', eventVersion: '2.1' }] }).reason,
      'format_unknown',
    );
  });

  test('fields of a wrong type are named in the words of CloudTrail', () => {
    const letter = refusedRecord(record({ eventName: 'X', sourceIPAddress: ['203.0.113.7'] }));
    assert.equal(letter.field, 'sourceIPAddress');
    assert.match(letter.message, /must be a text/);
    assert.match(refusedRecord(record({ eventID: undefined, requestID: undefined })).message, /taken from eventID/);
    assert.equal(refusedRecord(record({ eventTime: 'yesterday' })).reason, 'time_invalid');
    assert.match(refusedRecord(record({ eventTime: 'yesterday' })).message, /taken from eventTime/);
    const bytes = record({ additionalEventData: { bytesTransferredOut: -1 } });
    assert.equal(refusedRecord(bytes).field, 'additionalEventData.bytesTransferredOut');
  });

  test('a record without eventID has the id of its request', () => {
    assert.equal(acceptedRecord(record({ eventID: null })).id, record().requestID);
  });
});
