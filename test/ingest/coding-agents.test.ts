import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { codingAgentEvent } from '../../services/ingest/coding-agents/index.ts';
import { normaliseLog } from '../../services/ingest/genai/log.ts';
import { normaliseSpan } from '../../services/ingest/genai/span.ts';
import { DEFAULT_SETTINGS } from '../../services/ingest/settings.ts';
import {
  assertAbsorbed,
  deadOf,
  decide,
  decideNormalised,
  eventOf,
  idsOf,
  type LogParts,
  logOf,
  type Plain,
  settingsOf,
  spanOf,
  TIME,
} from './coding-agents-support.ts';

const CALL = { 'session.id': 's-1', 'user.id': 'u-1', tool_name: 'Read', tool_use_id: 'toolu_1', success: 'true' };
const claude = (own: { readonly [name: string]: Plain } = {}, more: Partial<LogParts> = {}) =>
  logOf({ attributes: { ...CALL, 'event.name': 'claude_code.tool_result', ...own }, ...more });

describe('which records are of a coding agent', () => {
  const named = (more: Partial<LogParts>, own: { readonly [name: string]: Plain } = {}) =>
    codingAgentEvent(logOf({ attributes: { ...CALL, ...own }, ...more }), DEFAULT_SETTINGS)?.kind;

  test('by a name with prefix, wherever it stands', () => {
    assert.equal(named({}, { 'event.name': 'claude_code.tool_result' }), 'candidate');
    assert.equal(named({ event_name: 'claude_code.tool_result' }), 'candidate');
    assert.equal(named({ body: 'claude_code.tool_result' }), 'candidate');
    assert.equal(named({ body: 'claude_code.tool_result' }, { 'event.name': 'tool_result' }), 'candidate');
    assert.equal(named({ event_name: 'event src/x.rs:1' }, { 'event.name': 'codex.tool_result' }), 'candidate');
    assert.equal(named({}, { 'event.name': 'gemini_cli.config' }), 'absorbed');
  });

  test('by a bare name where scope or service is the agent’s', () => {
    const own = { 'event.name': 'tool_result' };
    assert.equal(named({ scope: 'com.anthropic.claude_code.events' }, own), 'candidate');
    assert.equal(named({ resource: { 'service.name': 'claude-code' } }, own), 'candidate');
    assert.equal(named({}, own), undefined);
    assert.equal(named({ resource: { 'service.name': 'shop' } }, own), undefined);
  });

  test('a prefix goes before the service, so nobody hides a call behind another agent’s name', () => {
    const own = { 'event.name': 'codex.tool_result' };
    assert.equal(named({ resource: { 'service.name': 'claude-code' } }, own), 'candidate');
    const genai = { 'event.name': 'gen_ai.tool.call' };
    assert.equal(named({ resource: { 'service.name': 'claude-code' } }, genai), undefined);
  });

  test('a record without any name is of nobody', () => {
    assert.equal(named({ scope: 'gemini-cli', body: 'a sentence.' }), undefined);
    assert.equal(named({ body: { toString: 'x' } as never }), undefined);
  });

  test('normaliseLog hands them on', () => {
    const decided = decideNormalised(normaliseLog(claude(), DEFAULT_SETTINGS));
    assert.equal(decided.kind, 'accepted');
  });
});

describe('time', () => {
  const timeOf = (log: Partial<LogParts>, own: { readonly [name: string]: Plain } = {}) =>
    eventOf(claude(own, log)).time;

  test('is the record’s, else the agent’s, else the collector’s', () => {
    const stated = { 'event.timestamp': '2026-03-02T08:00:00.500Z' };
    assert.equal(timeOf({ time_ms: TIME + 0.75 }, stated), TIME);
    assert.equal(timeOf({ time_ms: 0 }, stated), Date.parse('2026-03-02T08:00:00.500Z'));
    assert.equal(timeOf({ time_ms: 0, observed_ms: TIME + 9 }, { 'event.timestamp': 'yesterday' }), TIME + 9);
    assert.equal(timeOf({ time_ms: 0, observed_ms: TIME + 9 }), TIME + 9);
  });

  test('an event without any is refused', () => {
    assert.equal(deadOf(claude({}, { time_ms: 0, observed_ms: 0 })).field, 'time');
  });
});

describe('wrong values', () => {
  test('an attribute that is read and of parts is refused by name', () => {
    for (const value of [['a'], { a: 1 }]) {
      const { field, message } = deadOf(claude({ 'session.id': value }));
      assert.equal(field, 'session.id');
      assert.match(message, /^session\.id: (a list of 1|an object) stands where/);
    }
    assert.equal(deadOf(claude({ tool_name: undefined })).field, 'tool_name');
    assert.equal(deadOf(claude({ tool_name: '' })).field, 'tool_name');
  });

  test('a size that is none is refused in the words of the source', () => {
    for (const size of ['many', '-1', -1, '', '1e3', 2 ** 60, true]) {
      const { field, message } = deadOf(claude({ tool_result_size_bytes: size }));
      assert.equal(field, 'volume.bytes_out', String(size));
      assert.match(message, /taken from tool_result_size_bytes/);
    }
    assert.equal(eventOf(claude({ tool_result_size_bytes: '12' })).volume.bytes_out, 12);
    assert.equal(eventOf(claude({ tool_result_size_bytes: 12 })).volume.bytes_out, 12);
  });

  test('an outcome that is none is unknown', () => {
    assert.equal(eventOf(claude({ success: 'maybe' })).outcome.status, 'unknown');
    assert.equal(eventOf(claude({ success: undefined })).outcome.status, 'unknown');
    assert.equal(eventOf(claude({ success: false })).outcome.status, 'error');
  });
});

describe('whose a record is', () => {
  const identityWith = (
    identity: unknown,
    own: { readonly [name: string]: Plain } = {},
    more: Partial<LogParts> = {},
  ) => eventOf(claude(own, more), settingsOf({ identity }));

  test('the most lasting name of the user first', () => {
    const id = (own: { readonly [name: string]: Plain }) => eventOf(claude(own)).identity.id;
    const all = { 'user.account_uuid': 'a-1', 'user.email': 'ada@example.com' };
    assert.equal(id(all), 'claude-code:a-1');
    assert.equal(id({ 'user.email': 'ada@example.com' }), 'claude-code:ada@example.com');
    assert.equal(id({}), 'claude-code:u-1');
  });

  test('the selectors of the operator go first where they were changed', () => {
    const resource = { 'employee.number': 4711, 'team.name': 'payments', 'gen_ai.agent.id': 'agent-7' };
    const plain = eventOf(claude({}, { resource: { 'team.name': 'payments' } }));
    assert.equal(plain.identity.peer_group, 'claude-code');
    const own = identityWith(
      { agent_id: ['resource:employee.number'], peer_group: ['resource:team.name'] },
      {},
      { resource },
    );
    assert.deepEqual(own.identity, { id: '4711', kind: 'agent', peer_group: 'payments' });
    assert.equal(identityWith({}, {}, { resource }).identity.id, 'agent-7');
    assert.equal(identityWith({ session: ['attribute:prompt.id'] }, { 'prompt.id': 'p-1' }).session, 'p-1');
    assert.equal(identityWith({ on_behalf_of: ['attribute:user.id'] }).on_behalf_of, 'u-1');
    const nobody = { 'user.id': undefined, 'client.id': 'gw-1' };
    assert.equal(identityWith({ principal: ['attribute:client.id'] }, nobody).identity.id, 'gw-1');
  });

  test('without a user, the machine; without both, the workload, after the trace was asked', () => {
    const nobody = { 'user.id': undefined };
    assert.equal(eventOf(claude(nobody, { resource: { 'host.name': 'pc-7' } })).identity.id, 'claude-code:pc-7');
    const resource = { 'service.name': 'claude-code' };
    assert.deepEqual(eventOf(claude(nobody, { resource })).identity, {
      id: 'unresolved:claude-code',
      kind: 'workload',
      peer_group: 'claude-code',
    });
    const held = decide(claude(nobody, { resource, trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) }));
    assert.equal(held.kind, 'held');
  });

  test('a prompt within a trace tells whose the trace is', () => {
    const prompt = { 'event.name': 'claude_code.user_prompt', 'user.email': 'ada@example.com', prompt: 'SECRET' };
    assertAbsorbed(claude(prompt));
    const decided = decide(claude(prompt, { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) }));
    assert.ok(decided.kind === 'absorbed' && decided.tells !== undefined);
    assert.equal(decided.tells.settled?.identity.id, 'claude-code:ada@example.com');
    assert.equal(decided.tells.settled?.session, 's-1');
    assert.doesNotMatch(JSON.stringify(decided), /SECRET/);
  });
});

describe('spans of coding agents', () => {
  const span = (name: string, resource: { readonly [name: string]: Plain }, own: { readonly [name: string]: Plain }) =>
    normaliseSpan(spanOf({ name, resource, attributes: own }), DEFAULT_SETTINGS);

  test('tell whose a trace is, and no call a second time', () => {
    const tool = { 'gen_ai.operation.name': 'tool_call', 'gen_ai.tool.name': 'run_shell_command' };
    const gemini = span('tool_call', { 'service.name': 'gemini-cli' }, { ...tool, 'gen_ai.conversation.id': 's-1' });
    assert.ok(gemini.kind === 'absorbed' && gemini.tells?.settled === undefined);
    const own = { 'session.id': 's-1', 'user.id': 'u-1', 'user.account_uuid': 'a-1', tool_name: 'Bash' };
    const claude_tool = span('claude_code.tool', { 'service.name': 'my-sdk-app' }, own);
    assert.ok(claude_tool.kind === 'absorbed');
    assert.deepEqual(claude_tool.tells?.settled?.identity, {
      id: 'claude-code:a-1',
      kind: 'agent',
      peer_group: 'claude-code',
    });
    assert.equal(claude_tool.tells?.settled?.session, 's-1');
  });

  test('spans of others are not touched', () => {
    const own = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'x', 'gen_ai.agent.id': 'a' };
    assert.equal(span('execute_tool x', { 'service.name': 'shop' }, own).kind, 'candidate');
  });
});

describe('content', () => {
  const args = '{"file_path":"/a","note":"SECRET"}';

  test('is kept where the operator says so, cut to its bound', () => {
    const settings = settingsOf({ content: { keep: ['tool_input'] } });
    assert.equal(eventOf(claude({ tool_input: args }), settings).unmapped?.tool_input, args);
    const long = eventOf(claude({ tool_input: 'x'.repeat(9_000) }), settings).unmapped?.tool_input;
    assert.equal(typeof long === 'string' && long.length, 1_024);
  });

  test('leaves a keyed hash where there is a key', () => {
    const hashed = (key: string, value = args) =>
      eventOf(claude({ tool_input: value }), settingsOf({}, key)).unmapped?.['content_hash.arguments'];
    assert.match(String(hashed('k1')), /^[0-9a-f]{32}$/);
    assert.equal(hashed('k1'), hashed('k1'));
    assert.notEqual(hashed('k1'), hashed('k2'));
    assert.notEqual(hashed('k1'), hashed('k1', '{}'));
  });

  test('attributes that nobody knows stay when they are short and no content', () => {
    const { unmapped } = eventOf(
      claude({
        'workspace.host_paths': ['/srv/app', '/srv/lib'],
        'app.entrypoint': 'cli',
        new_output: 'SECRET',
        output_length: 6,
        'request.id': 'r-1',
        big: 'SECRET'.repeat(100),
        error: 'SECRET',
      }),
    );
    assert.deepEqual(unmapped, {
      'app.entrypoint': 'cli',
      output_length: 6,
      'request.id': 'r-1',
      'workspace.host_paths': ['/srv/app', '/srv/lib'],
    });
  });

  test('names no resource where the operator leaves that to the catalogue', () => {
    const settings = settingsOf({ content: { targets: 'catalogue' } });
    assert.deepEqual(idsOf(eventOf(claude({ tool_input: args }), settings)), []);
    assert.deepEqual(idsOf(eventOf(claude({ tool_input: args }))), ['/a']);
  });

  test('arguments that a collector has parsed count as well', () => {
    const event = eventOf(claude({ tool_input: { file_path: '/a' }, tool_parameters: { description: 'SECRET' } }));
    assert.deepEqual(idsOf(event), ['/a']);
  });
});

describe('calls of models', () => {
  const accepted = settingsOf({ otlp: { model_calls: 'accepted' } });

  test('are events where the operator wants them', () => {
    const request = {
      ...{
        'event.name': 'claude_code.api_request',
        tool_name: undefined,
        model: 'claude-sonnet-5',
        request_id: 'req_1',
      },
      ...{ input_tokens: '7', cache_read_tokens: '1000', cache_creation_tokens: '20', output_tokens: '52' },
    };
    const { id, action, model, volume, outcome, identity } = eventOf(claude(request), accepted);
    assert.deepEqual(
      { id, action, model, volume, outcome, identity: identity.id },
      {
        id: 's-1:req_1',
        action: { operation: 'unknown', name: 'chat' },
        model: 'claude-sonnet-5',
        volume: { tokens_in: 1027, tokens_out: 52 },
        outcome: { status: 'ok' },
        identity: 'claude-code:u-1',
      },
    );
    const failed = { ...request, 'event.name': 'claude_code.api_error', status_code: 529, error: 'SECRET' };
    assert.deepEqual(eventOf(claude(failed), accepted).outcome, { status: 'error', code: '529' });
  });

  test('of Codex and Gemini CLI count once', () => {
    const kindOf = (event: string, own: { readonly [name: string]: Plain }): string =>
      decide(logOf({ attributes: { 'event.name': event, 'installation.id': 'i', ...own } }), accepted).kind;
    const tokens = { input_token_count: '10', output_token_count: '2' };
    assert.equal(kindOf('codex.sse_event', { 'event.kind': 'response.completed', ...tokens }), 'accepted');
    assert.equal(kindOf('codex.sse_event', { 'event.kind': 'response.output_item.done' }), 'absorbed');
    assert.equal(kindOf('codex.api_request', { 'http.response.status_code': 200 }), 'absorbed');
    assert.equal(kindOf('codex.api_request', { 'http.response.status_code': 429 }), 'accepted');
    assert.equal(kindOf('gemini_cli.api_request', {}), 'absorbed');
    assert.equal(kindOf('gemini_cli.api_response', { ...tokens, status_code: 200 }), 'accepted');
    assert.equal(kindOf('gemini_cli.api_error', { error: 'x' }), 'accepted');
    assert.equal(kindOf('gemini_cli.user_prompt', {}), 'absorbed');
  });
});
