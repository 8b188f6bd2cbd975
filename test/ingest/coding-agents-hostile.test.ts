import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { HOSTILE_NAMES } from '../support/hostile-input.ts';
import { decide, eventOf, logOf, type Plain, settingsOf } from './coding-agents-support.ts';

describe('hostile records', () => {
  const names = fc.constantFrom(
    ...['tool_name', 'function_name', 'success', 'decision', 'session.id', 'user.id', 'user.email', 'organization.id'],
    ...[
      'tool_input',
      'tool_parameters',
      'arguments',
      'function_args',
      'output',
      'call_id',
      'tool_use_id',
      'mcp_server',
    ],
    ...['event.timestamp', 'tool_result_size_bytes', 'content_length', 'metadata', 'error_type', '__proto__', 'x'],
  );
  const texts = fc.oneof(
    fc.string(),
    fc.constantFrom(...HOSTILE_NAMES),
    fc.json({ maxDepth: 3 }),
    fc.string({ minLength: 600 }),
  );
  const { value } = fc.letrec<{ value: Plain }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      texts,
      fc.double(),
      fc.boolean(),
      fc.constant(undefined),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'file_path', 'command', '__proto__', 'mcp_server_name'), tie('value'), {
        maxKeys: 3,
      }),
    ),
  }));
  const events = fc.constantFrom(
    ...['claude_code.tool_result', 'claude_code.tool_decision', 'claude_code.user_prompt', 'claude_code.api_request'],
    ...[
      'codex.tool_result',
      'codex.tool_decision',
      'codex.sse_event',
      'gemini_cli.tool_call',
      'gemini_cli.api_response',
    ],
  );

  test('come to exactly one decision, without a throw, and the same one every time', () => {
    const settings = settingsOf({ otlp: { model_calls: 'accepted' }, content: { keep: ['output'] } }, 'key');
    fc.assert(
      fc.property(events, fc.array(fc.tuple(names, value), { maxLength: 8 }), fc.double(), (event, pairs, time_ms) => {
        const own = Object.fromEntries([...pairs, ['event.name', event]]) as { readonly [name: string]: Plain };
        const once = decide(logOf({ attributes: own, time_ms }), settings);
        assert.ok(['accepted', 'absorbed', 'dead_letter', 'held'].includes(once.kind));
        assert.deepEqual(decide(logOf({ attributes: own, time_ms }), settings), once);
      }),
      { numRuns: 500 },
    );
  });

  test('large and deep arguments are measured and cost little', () => {
    const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    const wide = JSON.stringify({ command: 'a;'.repeat(300_000), file_path: 'x'.repeat(100_000) });
    for (const text of [deep, wide, '*** Add File: a\n'.repeat(50_000), 'https://a.example '.repeat(50_000)]) {
      for (const tool of ['apply_patch', 'shell', 'web_fetch', 'read_file', 'other']) {
        const log = logOf({
          attributes: { 'event.name': 'codex.tool_result', 'user.email': 'a@b', tool_name: tool, arguments: text },
        });
        const { volume, resources } = eventOf(log);
        assert.equal(volume.bytes_in, Buffer.byteLength(text));
        assert.ok(resources.length <= 16 && resources.every(({ id }) => id.length <= 1_024));
      }
    }
  });
});
