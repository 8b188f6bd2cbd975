import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { absorbed, candidate } from './mcp-support.ts';
import { accepted } from './support.ts';

const formats = normalisersOf('mcp', []);

describe('MCP records as gateways document them', () => {
  /** Teleport, audit event reference: mcp.session.request, TMCP003E. */
  const teleport = {
    code: 'TMCP003E',
    ei: 0,
    event: 'mcp.session.request',
    server_id: 'srv-1',
    sid: '6593cf87-9839-4f18-abf8-c54873aaeb4e',
    time: '2025-05-23T11:11:11.555Z',
    uid: '80400ed9-644e-4a6e-ab99-b264b34d0f55',
    user: 'ai-user',
    app_name: 'mcp-everything',
    success: false,
    error: 'access denied',
    message: {
      id: 2,
      method: 'tools/call',
      params: { name: 'write_file', arguments: { path: '/etc/passwd' } },
      jsonrpc: '2.0',
    },
  };

  test('Teleport', () => {
    const event = accepted(teleport, { formats });
    assert.equal(event.id, teleport.uid);
    assert.deepEqual(event.identity, { id: 'ai-user', kind: 'unknown' });
    assert.equal(event.session, teleport.sid);
    assert.deepEqual(event.tool, { name: 'write_file', server: 'mcp-everything' });
    assert.deepEqual(event.outcome, { status: 'error', reason: 'access denied' });
    assert.deepEqual(event.unmapped, {
      code: 'TMCP003E',
      ei: 0,
      event: 'mcp.session.request',
      server_id: 'srv-1',
    });
    assert.equal(absorbed({ ...teleport, message: { id: 0, method: 'initialize', jsonrpc: '2.0' } }).tells, undefined);
  });

  /** ToolHive, pkg/audit: an event without the data of request and response, and one with. */
  const toolhive = {
    time: '2026-01-01T12:00:00.123456789Z',
    level: 'INFO+2',
    msg: 'audit_event',
    audit_id: '550e8400-e29b-41d4-a716-446655440000',
    type: 'mcp_tool_call',
    logged_at: '2026-01-01T12:00:00.123456Z',
    outcome: 'application_error',
    component: 'github-server',
    source: { type: 'network', value: '10.0.1.5', extra: { user_agent: 'node' } },
    subjects: { user: 'John Doe', user_id: 'user-123' },
    target: { endpoint: '/messages', method: 'tools/call', name: 'search_issues', type: 'tool' },
    metadata: { extra: { duration_ms: 245, jsonrpc_error_code: -32602, response_size_bytes: 1024 } },
  };

  test('ToolHive', () => {
    const event = accepted(toolhive, { formats });
    assert.equal(event.identity.id, 'user-123');
    assert.deepEqual(event.tool, { name: 'search_issues', server: 'github-server' });
    assert.deepEqual(event.outcome, { status: 'error', code: '-32602' });
    assert.deepEqual(event.volume, { bytes_out: 1024 });
    assert.deepEqual(event.source, { ip: '10.0.1.5' });
    assert.equal(event.action.operation, 'search');
    const data = {
      request: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'search_issues', arguments: {} } },
    };
    assert.deepEqual(candidate({ ...toolhive, data }).input.volume, { bytes_in: 2, bytes_out: 1024 });
  });

  test('Tyk access log', () => {
    const event = accepted(
      {
        time: '2026-01-01T12:00:00Z',
        client_id: 'app-1',
        client_ip: '10.0.0.1',
        api_type: 'mcp',
        mcp_method: 'resources/read',
        mcp_primitive_type: 'resource',
        mcp_primitive_name: 'file:///a',
        mcp_error_code: 403,
      },
      { formats },
    );
    assert.deepEqual(event.resources, [{ id: 'file:///a', kind: 'file' }]);
    assert.deepEqual(event.outcome, { status: 'denied', code: '403' });
  });

  test('Cloudflare MCP portal log', () => {
    const event = accepted(
      {
        Datetime: '2026-01-01T12:00:00Z',
        ClientIP: '10.0.0.1',
        Method: 'tools/call',
        ToolCallName: 'send_mail',
        ServerID: 'mail',
        SessionID: 's',
        Success: true,
        UserID: 'u-1',
      },
      { formats },
    );
    assert.deepEqual(event.tool, { name: 'send_mail', server: 'mail' });
    assert.deepEqual([event.session, event.outcome.status], ['s', 'ok']);
  });
});
