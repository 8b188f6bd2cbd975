import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { mcpNormaliser } from '../../services/ingest/mcp/index.ts';
import { DEFAULT_SETTINGS } from '../../services/ingest/settings.ts';
import { absorbed, candidate, failure, record, refusal, request, result, TIME, toolCall } from './mcp-support.ts';
import { accepted, refused } from './support.ts';

const formats = normalisersOf('mcp', []);

describe('MCP: what a call becomes', () => {
  test('tools/call with its response in one record', () => {
    const text = 'x'.repeat(100);
    const { message: _, ...envelope } = record(undefined);
    const event = accepted(
      { ...envelope, request: toolCall(), response: result({ content: [{ type: 'text', text }] }) },
      { formats },
    );
    assert.deepEqual(event.identity, { id: 'agent-7', kind: 'agent' });
    assert.deepEqual(event.tool, { name: 'read_file', server: 'files' });
    assert.deepEqual(event.action, { operation: 'read', name: 'tools/call' });
    assert.equal(event.session, 's-1');
    assert.equal(event.time, Date.parse(TIME));
    assert.deepEqual(event.volume, { bytes_in: '{"path":"/etc/hosts"}'.length, bytes_out: 100 });
    assert.deepEqual(event.outcome, { status: 'ok' });
    assert.equal(event.unmapped, undefined);
  });

  test('resources/read reads the resource, prompts/get the prompt', () => {
    const { resource, action, tool } = candidate(
      record(request('resources/read', { uri: 'postgres://host/t' }), { success: true }),
    ).input;
    assert.deepEqual(resource, { id: 'postgres://host/t', kind: 'postgres', store: 'files' });
    assert.deepEqual(action, { name: 'resources/read', operation: 'read' });
    assert.deepEqual(tool, { name: 'resources/read', server: 'files' });
    const prompt = candidate(record(request('prompts/get', { name: 'triage' }))).input;
    assert.deepEqual(prompt.resource, { id: 'triage', kind: 'prompt', store: 'files' });
  });

  test('a size that was not logged stays unknown', () => {
    const { volume } = candidate(record(request('tools/call', { name: 'x' }), { outcome: 'success' })).input;
    assert.deepEqual(volume, {});
  });

  test('sizes that the gateway counted stand in for content', () => {
    const more = { outcome: 'success', request_bytes: 0, response_bytes: '512' };
    const { volume } = candidate(record(request('tools/call', { name: 'x' }), more)).input;
    assert.deepEqual(volume, { bytes_in: 0, bytes_out: 512 });
  });

  test('the context of the trace', () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const params = { name: 'x', _meta: { traceparent: `00-${trace}-b7ad6b7169203331-01` } };
    assert.deepEqual(candidate(record(request('tools/call', params))).input.trace, {
      trace_id: trace,
      parent_span_id: 'b7ad6b7169203331',
    });
  });

  test('content is in nothing that is kept', () => {
    const secret = 'hunter2';
    const { message: _, ...envelope } = record(undefined);
    const document = {
      ...envelope,
      request: request('tools/call', { name: 'note', arguments: { text: secret }, _meta: { x: secret } }),
      response: result({ content: [{ type: 'text', text: secret }] }),
      headers: { authorization: secret },
      claims: { sub: 'u-1', note: secret },
      payload: secret,
      region: 'eu',
    };
    const event = accepted(document, { formats });
    assert.ok(!JSON.stringify(event).includes(secret));
    assert.deepEqual(event.unmapped, { region: 'eu' });
    const dead = refused({ ...document, time: 'never' }, { formats });
    assert.ok(!dead.message.includes(secret));
  });
});

describe('MCP: bytes that came out', () => {
  const bytesOf = (value: unknown): unknown => {
    const { message: _, ...envelope } = record(undefined);
    const { volume } = candidate({ ...envelope, request: toolCall(), response: result(value) }).input;
    return (volume as { bytes_out?: number }).bytes_out;
  };

  test('text counts in UTF-8, binary as long as it is decoded', () => {
    assert.equal(bytesOf({ content: [{ type: 'text', text: 'é' }] }), 2);
    assert.equal(bytesOf({ content: [{ type: 'image', data: Buffer.alloc(30).toString('base64') }] }), 30);
    assert.equal(bytesOf({ contents: [{ uri: 'a', blob: Buffer.alloc(7).toString('base64') }] }), 7);
    assert.equal(bytesOf({ content: [{ type: 'resource', resource: { uri: 'a', text: 'abc' } }] }), 3);
    assert.equal(bytesOf({ messages: [{ role: 'user', content: { type: 'text', text: 'abcd' } }] }), 4);
  });

  test('structured content repeats the text', () => {
    assert.equal(bytesOf({ content: [{ type: 'text', text: '{"a":1}' }], structuredContent: { a: 1 } }), 7);
    assert.equal(bytesOf({ structuredContent: { a: 1 } }), 7);
  });

  test('an empty list is nothing, an empty result is unknown', () => {
    assert.equal(bytesOf({ content: [] }), 0);
    assert.equal(bytesOf({}), undefined);
  });
});

describe('MCP: outcomes', () => {
  const outcomeOf = (response: unknown, more = {}): unknown => {
    const { message: _, ...envelope } = record(undefined, more);
    return candidate({ ...envelope, request: toolCall(), response }).input.outcome;
  };

  test('by the response', () => {
    assert.deepEqual(outcomeOf(result({ content: [] })), { status: 'ok' });
    assert.deepEqual(outcomeOf(result({ content: [], isError: true })), { status: 'error' });
    assert.deepEqual(outcomeOf(failure(-32_602, 'bad')), { status: 'error', code: '-32602', reason: 'bad' });
    for (const code of [-32_001, -32_003, -32_602]) {
      assert.deepEqual(outcomeOf(failure(code)), { status: 'error', code: String(code), reason: 'no' });
    }
    for (const code of [401, 403]) {
      assert.deepEqual(outcomeOf(failure(code)), { status: 'denied', code: String(code), reason: 'no' });
    }
  });

  test('by what the gateway says, where there is no response', () => {
    const stated = (more: object): unknown => candidate(record(toolCall(), { ...more })).input.outcome;
    assert.deepEqual(stated({ success: true }), { status: 'ok' });
    assert.deepEqual(stated({ success: false, error: 'access denied' }), { status: 'error', reason: 'access denied' });
    assert.deepEqual(stated({ outcome: 'denied' }), { status: 'denied' });
    assert.deepEqual(stated({ http_status: 200 }), { status: 'ok' });
    assert.deepEqual(stated({ http_status: 403 }), { status: 'denied', code: '403' });
    assert.deepEqual(stated({ http_status: 502 }), { status: 'error', code: '502' });
    assert.deepEqual(stated({ outcome: 'dunno' }), { status: 'unknown' });
  });

  test('a reason of any length is bounded', () => {
    const { reason } = outcomeOf(failure(1, 'x'.repeat(5000))) as { reason: string };
    assert.equal(reason.length, LIMITS.text_chars_max);
  });
});

describe('MCP: who', () => {
  const who = (more: Record<string, unknown>): unknown[] => {
    const { client: _, ...envelope } = record(toolCall(), more);
    const { identity, on_behalf_of } = candidate({ ...envelope, ...more }).input;
    const { id, kind } = identity as { id: unknown; kind: unknown };
    return [id, kind, on_behalf_of];
  };

  test('agent before client before principal before token before user', () => {
    const all = {
      agent: { id: 'a' },
      client: { id: 'c' },
      principal: 'p',
      claims: { act: { sub: 'act' }, client_id: 'ci', azp: 'z', sub: 's' },
      user: 'u',
    };
    assert.deepEqual(who(all), ['a', 'agent', 'u']);
    const { agent: _a, ...noAgent } = all;
    assert.deepEqual(who(noAgent), ['c', 'agent', 'u']);
    const { client: _c, ...noClient } = noAgent;
    assert.deepEqual(who(noClient), ['p', 'unknown', 'u']);
    const { principal: _p, ...noPrincipal } = noClient;
    assert.deepEqual(who(noPrincipal), ['act', 'agent', 'u']);
    assert.deepEqual(who({ claims: { azp: 'z', sub: 's' } }), ['z', 'agent', 's']);
    assert.deepEqual(who({ claims: { azp: 's', sub: 's' } }), ['s', 'agent', undefined]);
    assert.deepEqual(who({ claims: { sub: 's' }, user: 'u' }), ['s', 'unknown', 'u']);
    assert.deepEqual(who({ user: 'u' }), ['u', 'unknown', undefined]);
  });

  test('what the gateway says of the client', () => {
    const client = { id: 'c', kind: 'service', name: 'Mailer', owner: 'ann', peer_group: 'mail', version: 3 };
    const { identity, credential } = candidate(
      record(toolCall(), { client, credential: { id: 'k', kind: 'api_key' } }),
    ).input;
    assert.deepEqual(identity, { ...client, version: '3' });
    assert.deepEqual(credential, { id: 'k', kind: 'api_key' });
  });

  test('nobody is refused with the remedy, and a session is nobody', () => {
    for (const client of [undefined, { name: 'claude-ai' }]) {
      const { field, message } = refusal(record(toolCall(), { client }));
      assert.equal(field, 'identity.id');
      assert.match(message, /client\.id/);
    }
    assert.equal(refusal(record(toolCall(), { client: {}, subjects: { user: 'anonymous' } })).field, 'identity.id');
  });

  test('a known field of a wrong type is refused in the words of the gateway', () => {
    const dead = refused(record(toolCall(), { session: ['a'] }), { formats });
    assert.equal(dead.field, 'session');
    assert.match(dead.message, /session_id or sessionId/);
    assert.equal(refused(record(request('tools/call', {})), { formats }).field, 'tool.name');
    assert.equal(refused(record(toolCall(), { time: 12 }), { formats }).reason, 'time_out_of_range');
  });
});

describe('MCP: the other methods', () => {
  test('are absorbed', () => {
    for (const method of ['initialize', 'ping', 'tools/list', 'sampling/createMessage', 'notifications/progress']) {
      assert.equal(absorbed(record(request(method, {}))).tells, undefined);
    }
    assert.equal(absorbed({ event: 'mcp.session.start', time: TIME, user: 'u' }).tells, undefined);
  });

  test('or refused where nobody knows them', () => {
    const { reason, field, message } = refusal(record(request('tools/callx', {})));
    assert.deepEqual([reason, field], ['format_unknown', 'method']);
    assert.match(message, /tools\/callx/);
  });
});

describe('MCP: which records are of it', () => {
  const [mcp] = formats;
  const fits = (document: Record<string, unknown>): boolean => mcp?.mismatch(document) === undefined;

  test('a message anywhere, or a method of MCP', () => {
    assert.ok(fits({ time: TIME, ...toolCall() }));
    assert.ok(fits({ message: toolCall() }));
    assert.ok(fits({ message: JSON.stringify(toolCall()) }));
    assert.ok(fits({ message: result({}) }));
    assert.ok(fits({ data: { request: toolCall() } }));
    assert.ok(fits({ method: 'tools/call', params: { name: 'x' }, id: 1 }));
    assert.ok(fits({ mcp_method: 'tools/list' }));
  });

  test('nothing else', () => {
    assert.ok(!fits({ message: 'hello', method: 'GET', request: { method: 'POST' } }));
    assert.ok(!fits({ message: '{"jsonrpc":"2.0"' }));
    assert.ok(!fits({ message: [] }));
    assert.ok(!fits({ message: ['x'] }));
    assert.equal(refusal({ message: 'hello' }).reason, 'format_unknown');
  });

  test('a batch is one item for each message, with its place', () => {
    const batch = [toolCall(), request('ping'), { ...toolCall('send_mail'), id: 2 }, 'no message'];
    const document = record(batch);
    const all = mcpNormaliser(DEFAULT_SETTINGS).normalise(
      document,
      Buffer.from(JSON.stringify(document, undefined, 1)),
    );
    assert.deepEqual(
      all.map(({ kind }) => kind),
      ['candidate', 'absorbed', 'candidate', 'refused'],
    );
    const [first, , third] = all as unknown as { input: { id: string }; part: { place: string; bytes: Buffer } }[];
    assert.notEqual(first?.input.id, third?.input.id);
    assert.equal(third?.part.place, 'message 2');
    assert.deepEqual(JSON.parse(String(third?.part.bytes)), batch[2]);
    assert.notEqual(String(third?.part.bytes), JSON.stringify(batch[2]), 'the bytes are those that came');
  });
});
