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
 * Records as Gemini CLI writes them, made by hand after packages/core/src/telemetry/types.ts and sdk.ts
 * (github.com/google-gemini/gemini-cli, commits 001a804 and 0123bca): the body is a sentence, arguments are indented JSON,
 * service.version is that of Node.
 */
const STANDARD = {
  'session.id': 'c0a8012e-1d2c-4b8a-b0f3-65d2a1c9e777',
  'installation.id': '7b7e1f7a-92f2-4f52-8a7a-0f6b1f8f1a10',
  interactive: true,
  'user.email': 'kim@example.com',
  'experiments.ids': [101, 102],
  'event.timestamp': '2026-03-02T09:00:00.250Z',
};
const RESOURCE = { 'service.name': 'gemini-cli', 'service.version': 'v22.14.0', 'session.id': STANDARD['session.id'] };

function record(event: string, own: { readonly [name: string]: Plain } = {}, more: Partial<LogParts> = {}) {
  return logOf({
    attributes: { ...STANDARD, 'event.name': event, ...own },
    resource: RESOURCE,
    scope: 'gemini-cli',
    body: 'Tool call: run_shell_command. Success: true. Duration: 40ms.',
    ...more,
  });
}

const CALL = {
  function_name: 'run_shell_command',
  function_args: '{\n  "command": "kubectl get secrets -n SECRET | base64 -d",\n  "description": "SECRET"\n}',
  duration_ms: 40,
  success: true,
  decision: 'auto_accept',
  prompt_id: 'c0a8012e########3',
  tool_type: 'native',
  content_length: 512,
  metadata: { model_added_lines: 3 },
};

const call = (own: { readonly [name: string]: Plain } = {}) =>
  eventOf(record('gemini_cli.tool_call', { ...CALL, ...own }));

describe('Gemini CLI', () => {
  test('a tool call is an event with everything that it tells', () => {
    const { id, ...event } = withoutKey(call());
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual(event, {
      origin: 'test',
      tenant: 'default',
      time: Date.parse('2026-03-02T09:00:00.250Z'),
      identity: {
        id: 'gemini-cli:kim@example.com',
        kind: 'agent',
        name: 'Gemini CLI (kim@example.com)',
        peer_group: 'gemini-cli',
      },
      on_behalf_of: 'kim@example.com',
      session: 'c0a8012e-1d2c-4b8a-b0f3-65d2a1c9e777',
      action: { operation: 'execute' },
      tool: { name: 'run_shell_command' },
      resources: [
        { id: 'program:kubectl', kind: 'program' },
        { id: 'program:base64', kind: 'program' },
      ],
      volume: { bytes_in: Buffer.byteLength(CALL.function_args), bytes_out: 512 },
      outcome: { status: 'ok' },
      unmapped: {
        duration_ms: 40,
        'experiments.ids': [101, 102],
        interactive: true,
        prompt_id: 'c0a8012e########3',
        tool_type: 'native',
      },
    });
  });

  test('one record tells of decision and result', () => {
    assert.equal(call({ success: false, decision: 'reject' }).outcome.status, 'denied');
    assert.deepEqual(call({ success: false, decision: undefined, error_type: 'policy_violation' }).outcome, {
      status: 'denied',
      code: 'policy_violation',
    });
    const failed = call({ success: false, error: 'SECRET', 'error.message': 'SECRET', 'error.type': 'file_not_found' });
    assert.deepEqual(failed.outcome, { status: 'error', code: 'file_not_found' });
    assert.doesNotMatch(JSON.stringify(failed), /SECRET/);
    assert.equal(call({ decision: 'modify' }).outcome.status, 'ok');
  });

  test('parallel calls of one millisecond are apart, a redelivery is not', () => {
    const read = (file: string) => call({ function_name: 'read_file', function_args: `{"file_path":"${file}"}` }).id;
    assert.equal(read('/a'), read('/a'));
    assert.notEqual(read('/a'), read('/b'));
    assert.notEqual(call({ duration_ms: 41 }).id, call().id);
  });

  const OWN: readonly (readonly [string, Plain, string, readonly string[]])[] = [
    ['read_file', { file_path: '/srv/.env' }, 'read', ['/srv/.env']],
    ['read_file', { absolute_path: '/srv/.env' }, 'read', ['/srv/.env']],
    ['read_many_files', { include: ['a/**', 'b.md'] }, 'read', ['a/**', 'b.md']],
    ['list_directory', { dir_path: '/srv' }, 'read', ['/srv']],
    ['glob', { pattern: '*.SECRET' }, 'search', []],
    ['grep_search', { pattern: 'SECRET', dir_path: '/srv' }, 'search', ['/srv']],
    ['search_file_content', { pattern: 'SECRET', path: '/srv' }, 'search', ['/srv']],
    ['write_file', { file_path: '/srv/x', content: 'SECRET' }, 'store', ['/srv/x']],
    ['replace', { file_path: '/srv/x', old_string: 'SECRET', new_string: 'y' }, 'store', ['/srv/x']],
    [
      'web_fetch',
      { prompt: 'SECRET of https://a.example/x?k=SECRET and http://b.example' },
      'read',
      ['https://a.example/x', 'http://b.example/'],
    ],
    ['google_web_search', { query: 'SECRET' }, 'search', []],
    ['save_memory', { fact: 'SECRET' }, 'store', []],
    ['activate_skill', { name: 'pdf' }, 'execute', ['skill:pdf']],
    ['codebase_investigator', { objective: 'SECRET' }, 'delegate', []],
  ];
  for (const [tool, args, operation, resources] of OWN) {
    test(`${tool} is ${operation} (${JSON.stringify(args).slice(0, 24)})`, () => {
      const event = call({ function_name: tool, function_args: JSON.stringify(args) });
      assert.equal(event.action.operation, operation);
      assert.deepEqual(idsOf(event), resources);
      assert.doesNotMatch(JSON.stringify(event), /SECRET/);
    });
  }

  test('tools of MCP servers, by the names of three versions', () => {
    for (const function_name of ['mcp_github_create_issue', 'github__create_issue', 'create_issue']) {
      const event = call({ function_name, tool_type: 'mcp', mcp_server_name: 'github', function_args: '{}' });
      assert.deepEqual(event.tool, { name: 'create_issue', server: 'github' }, function_name);
      assert.equal(event.action.operation, 'store');
    }
  });

  test('without a Google account the installation acts', () => {
    const event = call({ 'user.email': undefined });
    assert.equal(event.identity.id, `gemini-cli:${STANDARD['installation.id']}`);
    assert.equal(event.on_behalf_of, undefined);
  });

  test('every other event only informs', () => {
    for (const event of [
      ...['config', 'user_prompt', 'tool_output_truncated', 'tool_output_masking', 'edit_strategy', 'edit_correction'],
      ...['file_operation', 'api_request', 'api_response', 'api_error', 'malformed_json_response', 'slash_command'],
      ...['slash_command.model', 'model_routing', 'chat_compression', 'chat.invalid_chunk', 'chat.content_retry'],
      ...['chat.content_retry_failure', 'conversation_finished', 'next_speaker_check', 'flash_fallback'],
      ...['ripgrep_fallback', 'web_fetch_fallback_attempt', 'extension_install', 'extension_uninstall'],
      ...['extension_enable', 'extension_disable', 'extension_update', 'agent.start', 'agent.finish'],
      ...['agent.recovery_attempt', 'ide_connection', 'llm_loop_check', 'rewind', 'startup_stats', 'hook_call'],
      ...['plan.execution', 'keychain.availability', 'token_storage.initialization'],
    ]) {
      assertAbsorbed(record(`gemini_cli.${event}`, { prompt: 'SECRET' }), event);
    }
    for (const event of ['end_session', 'loop_detected', 'loop_detection_disabled', 'plan_execution']) {
      assertAbsorbed(record(event), event);
    }
    assertAbsorbed(record('gen_ai.client.inference.operation.details', { 'gen_ai.input.messages': 'SECRET' }));
    for (const event_name of ['gemini_cli.plan.approval_mode_switch', 'gemini_cli.plan.approval_mode_duration']) {
      assertAbsorbed(logOf({ attributes: { ...STANDARD, event_name }, resource: RESOURCE, scope: 'gemini-cli' }));
    }
  });
});
