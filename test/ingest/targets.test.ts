import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../schemas/limits.ts';
import { targetsIn } from '../../services/ingest/targets.ts';

const found = (named: unknown): string[] => targetsIn(named).map(({ kind, id }) => `${kind} ${id}`);

describe('targets among arguments', () => {
  const cases: readonly (readonly [unknown, readonly string[]])[] = [
    [{ path: '/etc/passwd' }, ['file /etc/passwd']],
    [{ sourceFile: 'a.txt', target_path: 'b.txt' }, ['file a.txt', 'file b.txt']],
    [{ file_id: '11', fileName: '11' }, ['file file:11', 'file 11']],
    [{ file_id: 11 }, ['file file:11']],
    [{ from: '2025-01-01', to: '2025-02-01 10:00' }, []],
    [{ index: 3, from: 0, account: 12 }, ['account account:12']],
    [{ recipient: 'GB29NWBK60161331926819' }, ['recipient recipient:GB29NWBK60161331926819']],
    [{ recipients: ['Ann@Example.com', 'bob@example.com'] }, ['email ann@example.com', 'email bob@example.com']],
    [{ to: 'Ann <ann@example.com>, bob@example.com' }, ['email ann@example.com', 'email bob@example.com']],
    [{ cc: null, bcc: [] }, []],
    [{ url: 'https://u:p@example.com/a?token=1#x' }, ['url https://example.com/a']],
    [{ url: 'www.example.com/a?b' }, ['url www.example.com/a']],
    [{ callback: 'https://evil.example/x?d=1' }, ['url https://evil.example/x']],
    [{ reviewer: 'ann@example.com' }, ['email ann@example.com']],
    [{ orderId: 7, order_id: '8', order: 9 }, ['order order:7', 'order order:8', 'order order:9']],
    [{ repo: 'a/b', repository: 'a/b' }, ['repository repository:a/b']],
    [{ order_number: 'A-1', page_number: 3, number: 4 }, ['order order:A-1']],
    [{ hotel_names: ['Ritz', 'Savoy'] }, ['hotel hotel:Ritz', 'hotel hotel:Savoy']],
    [{ id: 3 }, ['id id:3']],
    [{ bucket: 'b', object_key: 'k', key: 'c' }, ['bucket bucket:b', 'object object:k']],
    [{ attachments: [{ type: 'file', file_id: '19' }] }, ['file file:19']],
    [{ kwargs: { channel: 'general' } }, ['channel channel:general']],
    [
      [{ city: 'Paris' }, { city: 'Rome' }],
      ['city city:Paris', 'city city:Rome'],
    ],
    [{ host: 'db.internal', port: 5432 }, ['host db.internal']],
    [{ host: 'root:hunter2@db.internal', url: 'u:p@db/x?y' }, ['host db.internal', 'url db/x']],
    [{ connection: 'postgres://root:hunter2@db.internal/x?sslkey=y' }, ['url postgres://db.internal/x']],
  ];
  for (const [given, expected] of cases) {
    test(JSON.stringify(given), () => assert.deepEqual(found(given), expected));
  }

  test('are never text, secrets, or what is of one moment', () => {
    const never = {
      body: 'x',
      content: 'https://example.com/a',
      message: 'ann@example.com',
      prompt: 'x',
      subject: 'x',
      description: 'x',
      query: 'x',
      password: 'hunter2',
      user_password: 'hunter2',
      token: 't',
      access_token: 'https://example.com/t',
      api_key: 'k',
      private_key: 'k',
      credential_id: 'c',
      card_number: '4111',
      pin: '0000',
      first_name: 'Ann',
      request_id: 'r',
      session_id: 's',
      trace_id: 't',
      date: '2025-01-01',
      amount: 12,
      recurring: true,
      file: true,
      path: 'two\nlines',
      link: 'u:p@',
      directory: 'x'.repeat(600),
      user: 'x'.repeat(129),
    };
    assert.deepEqual(found(never), []);
  });

  test('are taken once', () => assert.deepEqual(found({ file: 'a', path: 'a', files: ['a', 'a'] }), ['file a']));

  test('are one more than an event may have, so that the cut shows', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `f${index}`);
    assert.equal(targetsIn({ files: many }).length, LIMITS.resources_per_event_max + 1);
  });

  test('are looked for to a depth, in so many values', () => {
    const deep = (levels: number): unknown => (levels === 0 ? { file: 'a' } : { more: deep(levels - 1) });
    assert.deepEqual(found(deep(2)), ['file a']);
    assert.deepEqual(found(deep(50)), []);
    assert.deepEqual(found({ noise: Array.from({ length: 100_000 }, () => 1), file: 'late' }), []);
  });

  test('of what is no object are none', () => {
    for (const given of [undefined, null, 'file', 3, true]) assert.deepEqual(found(given), []);
  });

  test('never throw, and are valid resources, for any arguments', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.string({ unit: 'binary' }), (value, name) => {
        for (const given of [value, { [name]: value }, { file: value, url: name, to: name, [`${name}_id`]: name }]) {
          for (const { id, kind } of targetsIn(given)) {
            assert.ok(id.length > 0 && id.length <= 600);
            assert.ok(typeof kind === 'string' && kind.length > 0 && kind.length <= 64);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('take no longer for hostile texts than for others', () => {
    const hostile = [
      '<'.repeat(500),
      `${'a@'.repeat(250)}`,
      ','.repeat(512),
      `${' '.repeat(500)}@`,
      `a://${'/'.repeat(500)}`,
    ];
    for (const text of hostile) found({ to: text, url: text, file: text, by: text });
  });
});
