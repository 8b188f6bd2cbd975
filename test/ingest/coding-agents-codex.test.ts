import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertAbsorbed,
  eventOf,
  idsOf,
  type LogParts,
  logOf,
  type Plain,
  withoutKey,
} from './coding-agents-support.ts';

/**
 * Records as Codex writes them, made by hand after codex-rs/otel/src/events/session_telemetry.rs (github.com/openai/codex,
 * commit 0136a73) and its tests: no time of the record, an `event_name` that is a place in the source, truth values as texts.
 */
const STANDARD = {
  'event.timestamp': '2026-03-02T09:00:00.250Z',
  'conversation.id': '019a3b5e-7c1d-7e90-8a52-2f1f0a4d9c33',
  'app.version': '0.147.0',
  auth_mode: 'Chatgpt',
  originator: 'codex_cli_rs',
  'user.account_id': 'acc-5d8f',
  'user.email': 'lin@example.com',
  'terminal.type': 'xterm-256color',
  model: 'gpt-5.1-codex',
  slug: 'gpt-5.1-codex',
};

function record(event: string, own: { readonly [name: string]: Plain } = {}, more: Partial<LogParts> = {}) {
  return logOf({
    attributes: { 'event.name': `codex.${event}`, ...STANDARD, ...own },
    resource: { 'service.name': 'codex_cli_rs', 'service.version': '0.147.0', env: 'prod', 'host.name': 'build-7' },
    scope: '',
    event_name: 'event otel/src/events/session_telemetry.rs:1012',
    time_ms: 0,
    observed_ms: Date.parse('2026-03-02T09:00:00.263Z'),
    ...more,
  });
}

const RESULT = {
  tool_name: 'shell_command',
  call_id: 'call_9FkQm3',
  arguments: '{"command":"git status && sudo rm -rf ./SECRET","workdir":"/srv/app"}',
  duration_ms: '91',
  success: 'true',
  output: 'SECRET\n',
  mcp_server: '',
  mcp_server_origin: '',
};

describe('Codex', () => {
  test('a tool result is an event with everything that it tells', () => {
    assert.deepEqual(withoutKey(eventOf(record('tool_result', RESULT))), {
      id: '019a3b5e-7c1d-7e90-8a52-2f1f0a4d9c33:call_9FkQm3',
      origin: 'test',
      tenant: 'default',
      time: Date.parse('2026-03-02T09:00:00.250Z'),
      identity: {
        id: 'codex:acc-5d8f',
        kind: 'agent',
        name: 'Codex (lin@example.com)',
        peer_group: 'codex',
        version: '0.147.0',
      },
      on_behalf_of: 'lin@example.com',
      session: '019a3b5e-7c1d-7e90-8a52-2f1f0a4d9c33',
      source: { workload: 'build-7' },
      action: { operation: 'execute' },
      tool: { name: 'shell_command' },
      resources: [
        { id: 'program:git', kind: 'program' },
        { id: 'program:sudo', kind: 'program' },
        { id: 'program:rm', kind: 'program' },
      ],
      volume: { bytes_in: 69, bytes_out: 7 },
      outcome: { status: 'ok' },
      model: 'gpt-5.1-codex',
      unmapped: {
        auth_mode: 'Chatgpt',
        duration_ms: '91',
        originator: 'codex_cli_rs',
        slug: 'gpt-5.1-codex',
        'terminal.type': 'xterm-256color',
      },
    });
  });

  test('a denied call is an event beside the failed result that Codex writes for it, with an id of its own', () => {
    const decision = { tool_name: 'shell_command', call_id: 'call_9FkQm3' };
    const denied = eventOf(record('tool_decision', { ...decision, decision: 'denied', source: 'User' }));
    assert.deepEqual(denied.outcome, { status: 'denied', code: 'User' });
    const failed = eventOf(record('tool_result', { ...RESULT, success: 'false', output: 'rejected by user' }));
    assert.deepEqual(failed.outcome, { status: 'error' });
    assert.notEqual(denied.id, failed.id);
    for (const word of ['abort', 'timedout', 'timed_out', 'Denied']) {
      assert.equal(eventOf(record('tool_decision', { ...decision, decision: word })).outcome.status, 'denied', word);
    }
    for (const word of ['approved', 'approved_for_session', 'approvedexecpolicyamendment', 'something_new']) {
      assertAbsorbed(record('tool_decision', { ...decision, decision: word }), word);
    }
  });

  test('an output that Codex cut for its telemetry has no known size', () => {
    const cut = eventOf(record('tool_result', { ...RESULT, output: `x\n[... telemetry preview truncated ...]` }));
    assert.deepEqual(cut.volume, { bytes_in: 69 });
  });

  const OWN: readonly (readonly [string, string, string, readonly string[]])[] = [
    [
      'shell',
      '{"command":["bash","-lc","FOO=1 npm test | tee SECRET.log"]}',
      'execute',
      ['program:npm', 'program:tee'],
    ],
    ['exec_command', '{"cmd":"python3 - <<EOF\\nSECRET\\nEOF"}', 'execute', ['program:python3']],
    ['local_shell', '/usr/bin/env ls SECRET', 'execute', ['program:env', 'program:ls']],
    [
      'apply_patch',
      '*** Begin Patch\n*** Update File: src/a.ts\n-SECRET\n*** Move to: src/b.ts\n*** Add File: c.ts\n+x\n*** End Patch',
      'store',
      ['src/a.ts', 'src/b.ts', 'c.ts'],
    ],
    ['apply_patch', '{"input":"*** Begin Patch\\n*** Delete File: d.ts\\n*** End Patch"}', 'store', ['d.ts']],
    ['view_image', '{"path":"shot.png"}', 'read', ['shot.png']],
    ['list_dir', '{"dir_path":"/srv"}', 'read', ['/srv']],
    ['grep_files', '{"pattern":"SECRET","path":"/srv"}', 'search', ['/srv']],
    ['update_plan', '{"plan":[{"step":"SECRET"}]}', 'store', []],
    ['spawn_agent', '{"agent_type":"worker","message":"SECRET"}', 'delegate', ['agent:worker']],
    ['read_mcp_resource', '{"server":"db","uri":"postgres://main/users"}', 'read', ['postgres://main/users']],
  ];
  for (const [tool, args, operation, resources] of OWN) {
    test(`${tool} is ${operation} (${args.slice(0, 24)})`, () => {
      const event = eventOf(record('tool_result', { ...RESULT, tool_name: tool, arguments: args, output: 'SECRET' }));
      assert.equal(event.action.operation, operation);
      assert.deepEqual(idsOf(event), resources);
      assert.doesNotMatch(JSON.stringify(event), /SECRET/);
    });
  }

  test('a tool of an MCP server', () => {
    const event = eventOf(
      record('tool_result', { ...RESULT, tool_name: 'mcp__crm__delete_customer', mcp_server: 'crm', arguments: '{}' }),
    );
    assert.deepEqual(event.tool, { name: 'delete_customer', server: 'crm' });
    assert.equal(event.action.operation, 'execute');
  });

  test('without an account the machine is named', () => {
    const event = eventOf(record('tool_result', { ...RESULT, 'user.email': undefined, 'user.account_id': undefined }));
    assert.deepEqual(event.identity, { id: 'codex:build-7', kind: 'agent', peer_group: 'codex', version: '0.147.0' });
    assert.equal(event.on_behalf_of, undefined);
  });

  test('a result without a call id has one that tells it from its neighbours', () => {
    const failed = { tool_name: 'shell', duration_ms: '0', success: 'false', output: 'no' };
    const id = eventOf(record('tool_result', failed)).id;
    assert.equal(eventOf(record('tool_result', failed)).id, id);
    assert.notEqual(eventOf(record('tool_result', { ...failed, output: 'nope' })).id, id);
    assert.notEqual(eventOf(record('tool_result', { ...failed, 'event.timestamp': '2026-03-02T09:00:01Z' })).id, id);
  });

  test('every other event only informs', () => {
    for (const event of [
      'conversation_starts',
      'user_prompt',
      'api_request',
      'sse_event',
      'websocket_connect',
      'websocket_request',
      'websocket_event',
      'auth_recovery',
      'sandbox_outcome',
      'startup_phase',
      'turn_ttft',
      'plugin_install_elicitation_sent',
      'plugin_install_suggestion',
    ]) {
      assertAbsorbed(record(event, { prompt: 'SECRET' }), event);
    }
  });
});
