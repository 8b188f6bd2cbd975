import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { createTelemetry } from '../../services/platform/telemetry.ts';
import { HOSTILE } from '../support/store-fixtures.ts';

test('whatever an agent or a name holds, an occurrence is one line of JSON that says it and no secret', () => {
  let written = '';
  const destination = new Writable({
    write(chunk, _, done) {
      written += String(chunk);
      done();
    },
  });
  const { occurred } = createTelemetry({ level: 'trace', destination });
  for (const text of [...HOSTILE, 'a\r\n{"level":30,"occurrence":"forged"}', '\u001b[2Jgone', '\u2028"}']) {
    written = '';
    occurred('requests_refused', { code: 'x' }, { request: text, password: 'hunter2' });
    assert.equal(written.indexOf('\n'), written.length - 1, 'one line');
    assert.ok(!/[\u0000-\u0009\u000b-\u001f]/.test(written), 'no control character reaches a terminal');
    assert.ok(!written.includes('hunter2'));
    const line = JSON.parse(written) as Record<string, unknown>;
    assert.deepEqual([line.occurrence, line.request], ['requests_refused', text.toWellFormed()]);
  }
});
