import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { readEvents } from '../../services/cli/event-source.ts';
import { invocation, quoted } from '../../services/cli/invocation.ts';
import { measureText } from '../../services/cli/show/words.ts';
import { layOut, widthOf } from '../../services/cli/table.ts';
import { bytesText, printable, progressBar, wrap } from '../../services/cli/terminal.ts';
import { readMoment, spanOf } from '../../services/cli/when.ts';

describe('text from outside', () => {
  test('cannot move the cursor, forge a line, or turn the reading direction', () => {
    assert.equal(printable('a\u001b[2Jb\nc\r\u202ed\u0007'), 'a\\u001b[2Jb\\u000ac\\u000d\\u202ed\\u0007');
    assert.equal(printable('tag \u{e0041}, half \ud800'), 'tag \\u{e0041}, half \\ud800');
    assert.equal(printable('Grüße, 日本, 👍'), 'Grüße, 日本, 👍');
    assert.equal(printable('x'.repeat(50), 10), `${'x'.repeat(9)}…`);
  });

  test('whatever it is, it stays one line without escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.doesNotMatch(printable(text), /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  test('is quoted for the shell', () => {
    assert.equal(quoted('invoice-matcher-03'), 'invoice-matcher-03');
    assert.equal(quoted("it's; rm -rf $HOME"), `'it'\\''s; rm -rf $HOME'`);
  });
});

describe('tables', () => {
  const head = ['id', 'what', 'bits'];
  const rows = [
    ['1', 'a long sentence about what an agent did at night', '12'],
    ['2', 'short', '3'],
  ];

  test('are not wrapped in a pipe, and never wider than a terminal', () => {
    const piped = layOut(head, rows, undefined, { flexible: 1 }).split('\n');
    assert.equal(piped.length, 3);
    assert.match(piped[1] ?? '', /^1 {3}a long sentence about what an agent did at night {2}12$/);
    for (const columns of [40, 44, 50, 80, 120]) {
      for (const line of layOut(head, rows, columns, { flexible: 1 }).split('\n'))
        assert.ok(widthOf(line) <= columns, line);
    }
  });

  test('put what has no room below its row', () => {
    const lines = layOut(head, rows, 40, { flexible: 1 }).split('\n');
    assert.deepEqual(lines.slice(0, 4), [
      'id  bits',
      '1   12',
      '    a long sentence about what an agent',
      '    did at night',
    ]);
  });

  test('count columns as terminals do', () => {
    assert.equal(widthOf('\u001b[31mred\u001b[39m'), 3);
    assert.equal(widthOf('日本'), 4);
    assert.equal(widthOf('e\u0301'), 1);
  });
});

describe('words', () => {
  test('wrapping keeps every word and the width', () => {
    assert.deepEqual(wrap('one two three four', 9), ['one two', 'three', 'four']);
    assert.deepEqual(wrap('extraordinarily', 5), ['extraordinarily']);
  });

  test('sizes and measures', () => {
    assert.equal(bytesText(0), '0 B');
    assert.equal(bytesText(999), '999 B');
    assert.equal(bytesText(999_950), '1.00 MB');
    assert.equal(bytesText(4_484_573), '4.48 MB');
    assert.equal(bytesText(3.2e12), '3.20 TB');
    assert.equal(measureText({ name: 'chance', value: 0.52, unit: 'probability' }), 'chance: 52 %');
    assert.equal(measureText({ name: 'chance', value: 0, unit: 'probability' }), 'chance: never seen');
    assert.equal(measureText({ name: 'to\u001b', value: 1200, unit: 'calls' }), 'to\\u001b: 1,200');
  });

  test('progress', () => {
    assert.equal(progressBar(50, 100), `[${'#'.repeat(15)}${'.'.repeat(15)}]  50 %`);
    assert.equal(progressBar(200, 100), `[${'#'.repeat(30)}] 100 %`);
    assert.equal(progressBar(2_500_000, undefined), '2.5 MB read');
  });

  test('the way to call it', () => {
    assert.equal(invocation({}), 'countersign');
    assert.equal(invocation({ npm_lifecycle_event: 'demo' }), 'npm run -s countersign --');
  });
});

describe('moments', () => {
  const now = Date.UTC(2026, 2, 9, 12);
  test('are dates, times, or how long ago', () => {
    assert.equal(readMoment('24h', now), now - 86_400_000);
    assert.equal(readMoment('2026-03-09', now), Date.UTC(2026, 2, 9));
    assert.equal(readMoment('2026-03-09T10:30', now), Date.UTC(2026, 2, 9, 10, 30));
    assert.equal(readMoment('2026-03-09T10:30:00+02:00', now), Date.UTC(2026, 2, 9, 8, 30));
    assert.equal(spanOf('90d'), 90 * 86_400_000);
  });
  test('and nothing else', () => {
    for (const text of ['', 'yesterday', '1e3', '-5h', '24', '2026-13-01', '0x10', '2026']) {
      assert.throws(() => readMoment(text, now), InvalidArgumentError, text);
    }
  });
});

describe('an event stream', () => {
  const read = async (...chunks: string[]) => {
    async function* bytes() {
      for (const chunk of chunks) yield Buffer.from(chunk);
    }
    const events = [];
    for await (const event of readEvents(bytes())) events.push(event);
    return events;
  };

  test('is read however it is cut', async () => {
    const text = 'id: 1\nevent: alert\ndata: {"a":\ndata: "ü"}\n\n: alive\nid: 2\n\n';
    const whole = await read(text);
    assert.deepEqual(whole, [
      { id: '1', event: 'alert', data: '{"a":\n"ü"}' },
      { id: '2', event: 'message', data: '' },
    ]);
    const bytes = Buffer.from(text);
    async function* singly() {
      for (const byte of bytes) yield Buffer.of(byte);
    }
    const events = [];
    for await (const event of readEvents(singly())) events.push(event);
    assert.deepEqual(events, whole);
  });

  test('ends without what was not finished', async () => {
    assert.deepEqual(await read('id: 1\ndata: x\n'), []);
  });
});
