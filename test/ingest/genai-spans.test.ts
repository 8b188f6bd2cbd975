import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { normaliseSpan } from '../../services/ingest/genai/span.ts';
import { SPAN_KIND, STATUS } from '../../services/ingest/otlp/model.ts';
import { DEFAULT_SETTINGS } from '../../services/ingest/settings.ts';
import { CALL, eventOf, PARENT, SPAN, settingsOf, span, TRACE, toldBy, type Values } from './genai-support.ts';
import { MONDAY_MS } from './support.ts';

const ARGUMENTS = '{"city":"Paris","days":3}';
const RESULT = '[{"day":1},{"day":2},{"day":3}]';

describe('a tool call', () => {
  test('under the current conventions is an event at its end', () => {
    const event = eventOf(
      {
        ...CALL,
        'gen_ai.agent.name': 'Weather agent',
        'gen_ai.agent.version': '2.1',
        'gen_ai.conversation.id': 'conv-1',
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.arguments': ARGUMENTS,
        'gen_ai.tool.call.result': RESULT,
        'client.address': '10.1.2.3',
        'enduser.id': 'ann',
      },
      { status: { code: STATUS.ok, message: '' } },
    );
    assert.deepEqual(event, {
      id: SPAN,
      origin: 'test',
      tenant: 'default',
      time: MONDAY_MS,
      identity: {
        id: 'agent-7',
        kind: 'agent',
        name: 'Weather agent',
        version: '2.1',
      },
      action: { operation: 'read' },
      resources: [{ id: 'city:Paris', kind: 'city' }],
      volume: { bytes_in: 25, bytes_out: 31, records: 3 },
      outcome: { status: 'ok' },
      tool: { name: 'get_weather' },
      on_behalf_of: 'ann',
      session: 'conv-1',
      source: { ip: '10.1.2.3', workload: 'shop/assistant' },
      trace: { trace_id: TRACE, span_id: SPAN, parent_span_id: PARENT },
      unmapped: { 'gen_ai.tool.type': 'function' },
    });
  });

  const older: readonly (readonly [string, Values, string?])[] = [
    [
      'GenAI before 1.37',
      { ...CALL, 'gen_ai.tool.arguments': ARGUMENTS, 'gen_ai.tool.result': RESULT, 'gen_ai.system': 'openai' },
    ],
    [
      'OpenInference',
      {
        'openinference.span.kind': 'TOOL',
        'tool.name': 'get_weather',
        'input.value': ARGUMENTS,
        'output.value': RESULT,
        'session.id': 'conv-1',
        'user.id': 'ann',
      },
    ],
    [
      'OpenLLMetry',
      {
        'traceloop.span.kind': 'tool',
        'traceloop.entity.name': 'get_weather',
        'traceloop.entity.input': ARGUMENTS,
        'traceloop.entity.output': RESULT,
        'traceloop.association.properties.session_id': 'conv-1',
      },
    ],
    [
      'the AI SDK',
      {
        'ai.operationId': 'ai.toolCall',
        'ai.toolCall.name': 'get_weather',
        'ai.toolCall.args': ARGUMENTS,
        'ai.toolCall.result': RESULT,
      },
    ],
    [
      'Google ADK',
      {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'get_weather',
        'gcp.vertex.agent.tool_call_args': ARGUMENTS,
        'gcp.vertex.agent.tool_response': RESULT,
      },
    ],
    ['Pydantic AI', { 'gen_ai.tool.name': 'get_weather', tool_arguments: ARGUMENTS, tool_response: RESULT }],
    [
      'MCP instrumentations that name the tool in the span only',
      { 'mcp.method.name': 'tools/call', 'mcp.request.argument': ARGUMENTS, 'mcp.response.value': RESULT },
      'tools/call get_weather',
    ],
  ];
  for (const [convention, attributes, name] of older) {
    test(`of ${convention} is the same event`, () => {
      const event = eventOf(attributes, name === undefined ? {} : { name });
      assert.equal(event.tool?.name, 'get_weather');
      assert.deepEqual(event.volume, { bytes_in: 25, bytes_out: 31, records: 3 });
      assert.deepEqual(event.resources, [{ id: 'city:Paris', kind: 'city' }]);
      if ('session.id' in attributes) assert.equal(event.on_behalf_of, 'ann');
      assert.doesNotMatch(JSON.stringify(event.unmapped ?? {}), /day/, 'content is dropped');
    });
  }

  test('whose content stands in span events is measured', () => {
    const events = [
      { name: 'gen_ai.tool.message', attributes: { role: 'tool', content: ARGUMENTS } },
      { name: 'gen_ai.choice', attributes: { message: RESULT } },
    ];
    assert.deepEqual(eventOf(CALL, { events }).volume, { bytes_in: 25, bytes_out: 31, records: 3 });
  });

  test('without content has no sizes, not zero', () => assert.deepEqual(eventOf(CALL).volume, {}));

  test('with structured content is measured as compact JSON', () => {
    const structured: Values = {
      ...CALL,
      'gen_ai.tool.call.arguments': new Map([['path', '/a/ü.txt']]),
      'gen_ai.tool.call.result': ['a', 'b'],
    };
    const event = eventOf(structured);
    assert.deepEqual(event.volume, { bytes_in: Buffer.byteLength('{"path":"/a/ü.txt"}'), bytes_out: 9, records: 2 });
    assert.deepEqual(event.resources, [{ id: '/a/ü.txt', kind: 'file' }]);
  });

  test('without an end stands at its start, with an open outcome', () => {
    const event = eventOf(CALL, { end_ms: 0 });
    assert.equal(event.time, MONDAY_MS - 1_000);
    assert.equal(event.outcome.status, 'unknown');
  });

  test('without any time is refused in the words of the source', () => {
    const refusal = normaliseSpan(span(CALL, { start_ms: 0, end_ms: 0 }), DEFAULT_SETTINGS);
    assert.ok(refusal.kind === 'refused');
    assert.equal(refusal.field, 'end_time_unix_nano');
  });

  test('keeps of a URL that nothing reads neither query nor login', () => {
    const { unmapped } = eventOf({
      ...CALL,
      'url.full': 'https://u:p@files.example/a?key=1#x',
      'http.target': '/b?t=2',
    });
    assert.deepEqual(unmapped, { 'http.target': '/b', 'url.full': 'https://files.example/a' });
  });

  test('that sums others up is not one more', () => {
    assert.deepEqual(toldBy({ ...CALL, 'gen_ai.tool.name': '(merged tools)' })?.link.kind, 'span');
  });

  test('of a root has no parent', () => {
    assert.deepEqual(eventOf(CALL, { parent_span_id: undefined }).trace, { trace_id: TRACE, span_id: SPAN });
  });
});

describe('an outcome', () => {
  const outcomes: readonly (readonly [Values, number, string, string?])[] = [
    [{}, STATUS.unset, 'ok'],
    [{}, STATUS.error, 'error'],
    [{ 'error.type': 'timeout' }, STATUS.unset, 'error', 'timeout'],
    [{ 'error.type': 'tool_error' }, STATUS.error, 'error', 'tool_error'],
    [{ 'error.type': 'PermissionDeniedError' }, STATUS.error, 'denied', 'PermissionDeniedError'],
    [
      { 'error.type': 'java.nio.file.AccessDeniedException' },
      STATUS.error,
      'denied',
      'java.nio.file.AccessDeniedException',
    ],
    [{ 'error.type': '403' }, STATUS.error, 'denied', '403'],
    [{ 'gen_ai.tool.status': 'error' }, STATUS.unset, 'error'],
    [{ 'error.type': '-32001' }, STATUS.error, 'error', '-32001'],
    [{ 'http.response.status_code': 401 }, STATUS.error, 'denied', '401'],
    [{ 'http.response.status_code': 200 }, STATUS.unset, 'ok'],
    [{ 'rpc.response.status_code': 'UNAUTHENTICATED' }, STATUS.error, 'denied', 'UNAUTHENTICATED'],
    [{ 'rpc.grpc.status_code': 7 }, STATUS.error, 'denied', '7'],
    [{ 'rpc.response.status_code': '-32602' }, STATUS.error, 'error', '-32602'],
    [{ 'error.type': 'ToolError', 'http.response.status_code': 403 }, STATUS.error, 'denied', 'ToolError'],
    [{ 'tool.status': 'error' }, STATUS.unset, 'error'],
    [{ 'tool.status': 'success' }, STATUS.unset, 'ok'],
  ];
  for (const [attributes, code, status, said] of outcomes) {
    test(`${JSON.stringify(attributes)} with status ${code} is ${status}`, () => {
      const { outcome } = eventOf({ ...CALL, ...attributes }, { status: { code, message: 'permission denied' } });
      assert.deepEqual(outcome, { status, ...(said === undefined ? {} : { code: said }) });
    });
  }
});

describe('retrieval, memory and MCP', () => {
  test('a retrieval touches its store and the documents that came back', () => {
    const documents = '[{"id":"d1","score":0.9},{"id":"d2","score":0.8}]';
    const event = eventOf({
      'gen_ai.operation.name': 'retrieval',
      'gen_ai.data_source.id': 'kb-1',
      'gen_ai.retrieval.query.text': 'who pays',
      'gen_ai.retrieval.documents': documents,
    });
    assert.equal(event.action.operation, 'search');
    assert.equal(event.tool?.name, 'retrieval');
    assert.deepEqual(event.resources, [
      { id: 'd1', store: 'kb-1', kind: 'document' },
      { id: 'd2', store: 'kb-1', kind: 'document' },
      { id: 'kb-1', store: 'kb-1', kind: 'data_source' },
    ]);
    assert.deepEqual(event.volume, { bytes_in: 8, bytes_out: documents.length, records: 2 });
  });

  test('a retriever of OpenInference has its documents in pieces', () => {
    const event = eventOf({
      'openinference.span.kind': 'RETRIEVER',
      'input.value': 'who pays',
      'retrieval.documents.0.document.id': 'd1',
      'retrieval.documents.0.document.content': 'Ann pays',
      'retrieval.documents.1.document.content': 'Bob',
    });
    assert.deepEqual(event.volume, { bytes_in: 8, bytes_out: 11, records: 2 });
    assert.deepEqual(event.resources, [{ id: 'd1', kind: 'document' }]);
    assert.equal(event.unmapped, undefined);
  });

  test('a query of a vector store is a search, a write to it is none', () => {
    const query = eventOf(
      {
        'db.system': 'Pinecone',
        'db.operation': 'query',
        'pinecone.query.namespace': 'notes',
        'server.address': 'p.example',
      },
      {
        events: [
          { name: 'db.query.result', attributes: { id: '1' } },
          { name: 'db.query.result', attributes: { id: '2' } },
        ],
      },
    );
    assert.equal(query.action.operation, 'search');
    assert.deepEqual(query.tool, { name: 'pinecone.query', server: 'p.example' });
    assert.deepEqual(query.resources, [{ id: 'notes', store: 'notes', kind: 'data_source' }]);
    assert.equal(query.volume.records, 2);
    assert.equal(eventOf({ 'db.system': 'chroma', 'db.operation': 'upsert' }).action.operation, 'store');
  });

  test('other databases are links only', () =>
    assert.ok(toldBy({ 'db.system': 'postgresql', 'db.operation': 'SELECT' })));

  test('memory is searched, written and deleted', () => {
    const operations = { search_memory: 'search', upsert_memory: 'store', delete_memory: 'execute' };
    for (const [name, operation] of Object.entries(operations)) {
      const event = eventOf({ 'gen_ai.operation.name': name, 'gen_ai.memory.store.id': 'm-1' });
      assert.equal(event.action.operation, operation);
      assert.equal(event.resources[0]?.id, 'm-1');
    }
  });

  test('a resource of MCP is read by its URI, without the query', () => {
    const event = eventOf({
      'mcp.method.name': 'resources/read',
      'mcp.resource.uri': 'postgres://u:p@db/customers?x=1',
    });
    assert.equal(event.action.operation, 'read');
    assert.deepEqual(event.resources, [{ id: 'postgres://db/customers', kind: 'postgres' }]);
    assert.equal(event.tool?.name, 'resources/read');
  });

  test('MCP names its server by address, other tools do not', () => {
    const call: Values = { ...CALL, 'server.address': 'mcp.example' };
    assert.equal(eventOf({ ...call, 'mcp.method.name': 'tools/call' }).tool?.server, 'mcp.example');
    assert.equal(eventOf(call).tool?.server, undefined);
  });

  test('what keeps a session of MCP going is a link only', () => {
    for (const method of ['initialize', 'tools/list', 'ping', 'notifications/cancelled']) {
      assert.ok(toldBy({ 'mcp.method.name': method }), method);
    }
  });

  test('a server tells of a call that a client recorded, and is an event where none did', () => {
    const call: Values = { ...CALL, 'mcp.method.name': 'tools/call' };
    const parts = { kind: SPAN_KIND.server };
    assert.equal(toldBy(call, parts)?.settled?.identity !== undefined, true);
    assert.equal(eventOf(call, { ...parts, parent_span_id: undefined }).tool?.name, 'get_weather');
    assert.equal(eventOf(call, parts, settingsOf({ otlp: { server_calls: 'accepted' } })).tool?.name, 'get_weather');
  });
});

describe('what is no act', () => {
  const spans: readonly Values[] = [
    { 'gen_ai.operation.name': 'invoke_agent' },
    { 'gen_ai.operation.name': 'create_agent' },
    { 'gen_ai.operation.name': 'invoke_workflow' },
    { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' },
    { 'gen_ai.operation.name': 'plan' },
    { 'openinference.span.kind': 'LLM', 'llm.model_name': 'm' },
    { 'openinference.span.kind': 'CHAIN' },
    { 'openinference.span.kind': 'AGENT' },
    { 'traceloop.span.kind': 'workflow', 'traceloop.entity.name': 'w' },
    { 'llm.request.type': 'chat' },
    { 'http.request.method': 'POST' },
    {},
  ];
  for (const attributes of spans) {
    test(`${JSON.stringify(attributes)} tells its place`, () => {
      assert.deepEqual(toldBy(attributes)?.link, {
        kind: 'span',
        trace_id: TRACE,
        span_id: SPAN,
        parent_span_id: PARENT,
        workload: 'shop/assistant',
        instance: 'i-1',
      });
    });
  }

  test('a model call is an event where the operator wants it', () => {
    const call: Values = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.agent.id': 'agent-7',
      'gen_ai.request.model': 'm-1',
      'gen_ai.usage.input_tokens': 12,
      'gen_ai.usage.completion_tokens': '34',
      'gen_ai.input.messages': '[{"role":"user"}]',
    };
    const event = eventOf(call, {}, settingsOf({ otlp: { model_calls: 'accepted' } }));
    assert.deepEqual(event.action, { operation: 'unknown', name: 'chat' });
    assert.deepEqual(event.volume, { tokens_in: 12, tokens_out: 34 });
    assert.equal(event.model, 'm-1');
    assert.equal(event.tool, undefined);
    assert.equal(event.unmapped, undefined);
  });
});
