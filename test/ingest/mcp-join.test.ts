import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { absorbed, candidate, failure, record, refusal, result, TIME, toolCall } from './mcp-support.ts';
import { decideOne } from './support.ts';

const formats = normalisersOf('mcp', []);

describe('MCP: both halves of a call', () => {
  test('a request waits for its response, under the same name', () => {
    const asked = candidate(record(toolCall()));
    assert.equal(asked.awaits, 'response');
    assert.deepEqual(asked.input.outcome, { status: 'unknown' });
    const { tells } = absorbed(
      record(result({ content: [{ type: 'text', text: 'abc' }] }), { time: 1_772_442_001_000 }),
    );
    assert.deepEqual(tells, {
      link: { ...asked.link, side: 'response' },
      time: 1_772_442_001_000,
      completion: { outcome: { status: 'ok' }, volume: { bytes_out: 3 } },
    });
    assert.deepEqual(asked.link, {
      kind: 'call',
      call: asked.link?.kind === 'call' && asked.link.call,
      side: 'request',
    });
  });

  test('the core holds the request, and the response only tells', () => {
    const held = decideOne(record(toolCall()), { formats });
    assert.equal(held.kind, 'held');
    const told = decideOne(record(failure(403)), { formats });
    assert.ok(held.kind === 'held' && told.kind === 'absorbed' && told.tells !== undefined);
    assert.ok(held.waiting.link.kind === 'call' && told.tells.link.kind === 'call');
    assert.equal(held.waiting.link.call, told.tells.link.call);
    assert.equal(told.tells.completion?.outcome.status, 'denied');
  });

  const callOf = (document: Parameters<typeof candidate>[0]): string | undefined => {
    const { link } = candidate(document);
    return link?.kind === 'call' ? link.call : undefined;
  };

  test('another session, another client or another id is another call', () => {
    const bare = { time: TIME, client: { id: 'a' }, server: 's', message: toolCall() };
    const calls = [
      callOf(record(toolCall())),
      callOf(record(toolCall(), { session: 's-2' })),
      callOf(record({ ...toolCall(), id: 2 })),
      callOf(record({ ...toolCall(), id: '1' })),
      callOf(bare),
      callOf({ ...bare, client: { id: 'b' } }),
      callOf({ ...bare, server: 't' }),
      callOf({ ...bare, connection: 'c' }),
    ];
    assert.equal(new Set(calls).size, calls.length);
    assert.equal(callOf(record(toolCall(), { server: 'gateway', client: { id: 'x' } })), callOf(record(toolCall())));
  });

  test('nobody waits for what cannot come', () => {
    assert.equal(candidate(record(toolCall(), { success: true })).awaits, undefined);
    const { id: _, ...notification } = toolCall();
    assert.equal(candidate(record(notification)).awaits, undefined);
    assert.equal(candidate({ time: TIME, user: 'u', mcp_method: 'tools/call', tool: 'x' }).awaits, undefined);
  });

  test('a client answers only what a server asks', () => {
    assert.equal(absorbed(record(result({}), { direction: 'client_to_server' })).tells, undefined);
  });

  test('a response that leads nowhere is refused with the remedy', () => {
    const { field, message } = refusal({ time: TIME, message: result({}) });
    assert.equal(field, 'session');
    assert.match(message, /session, connection or client\.id/);
    assert.equal(refusal({ session: 's', message: result({}) }).field, 'time');
  });
});
