import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { TIME } from './mcp-support.ts';
import { context, itemOf } from './support.ts';

const formats = normalisersOf('mcp', []);

test('MCP: nothing makes it throw, and every item is decided', () => {
  const wild = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(
        'tools/call',
        '2.0',
        'resources/read',
        TIME,
        '[',
        '{"jsonrpc":"2.0","method":"tools/call"}',
        1,
        null,
        true,
      ),
      fc.string(),
      fc.double(),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          'jsonrpc',
          'id',
          'method',
          'params',
          'result',
          'error',
          'name',
          'content',
          'message',
          'request',
          'response',
          'data',
          'client',
          'session',
          'time',
          'claims',
          'act',
          'sub',
          '__proto__',
          'structuredContent',
          '_meta',
          'traceparent',
          'uri',
        ),
        tie('value'),
        { maxKeys: 6 },
      ),
    ),
  })).value;
  fc.assert(
    fc.property(wild, (value) => {
      const item = itemOf(JSON.stringify(value) ?? 'null');
      assert.ok(decideItem(item, context({ formats })).length > 0);
    }),
    { numRuns: 3000 },
  );
});
