import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { absorbed, CALL, contentOf, logged, SPAN, settingsOf, TRACE, type Values } from './genai-support.ts';
import { MONDAY_MS } from './support.ts';

const PLACE = { trace_id: TRACE, span_id: SPAN };
const DETAILS = 'gen_ai.client.inference.operation.details';
const CHAT: Values = {
  'gen_ai.operation.name': 'chat',
  'gen_ai.agent.id': 'agent-7',
  'gen_ai.conversation.id': 'conv-1',
  'gen_ai.request.model': 'm-1',
  'gen_ai.usage.input_tokens': 12,
  'gen_ai.response.id': 'resp-1',
  'gen_ai.input.messages': 'launch codes',
};

describe('log records of the GenAI conventions', () => {
  const names = [
    DETAILS,
    'gen_ai.evaluation.result',
    'gen_ai.execute_tool.exception',
    'gen_ai.system.message',
    'gen_ai.user.message',
    'gen_ai.assistant.message',
    'gen_ai.tool.message',
    'gen_ai.choice',
  ];
  for (const name of names) {
    test(`${name} is absorbed, named by the field or by the older attribute`, () => {
      assert.equal(absorbed(logged({}, { event_name: name })).tells, undefined);
      assert.equal(absorbed(logged({ 'event.name': name })).tells, undefined);
    });
  }

  test('tell whose the span is that they belong to', () => {
    const { tells } = absorbed(logged(CHAT, { event_name: DETAILS, ...PLACE }));
    assert.deepEqual(tells, {
      link: { kind: 'span', ...PLACE, workload: 'shop/assistant' },
      time: MONDAY_MS,
      settled: {
        identity: { id: 'agent-7', kind: 'agent', version: 'm-1' },
        session: 'conv-1',
      },
    });
  });

  test('tell nothing of a span whose owner they do not know, least of all that it has no parent', () => {
    assert.equal(absorbed(logged({}, { event_name: DETAILS, ...PLACE })).tells, undefined);
  });

  test('are events of model calls where there is no span and the operator wants them', () => {
    const settings = settingsOf({ otlp: { model_calls: 'accepted' } });
    const event = contentOf(logged(CHAT, { event_name: DETAILS }, settings));
    assert.equal(event.id, 'resp-1');
    assert.deepEqual(event.volume, { tokens_in: 12 });
    assert.doesNotMatch(JSON.stringify(event), /launch/);
    assert.ok(absorbed(logged(CHAT, { event_name: DETAILS, ...PLACE }, settings)));
    assert.ok(absorbed(logged(CHAT, { event_name: 'gen_ai.choice' }, settings)), 'one event a call');
  });

  test('are events of tool calls where there is no span', () => {
    const call: Values = { ...CALL, 'gen_ai.tool.call.arguments': '{}', 'error.type': '403' };
    const event = contentOf(logged(call, { event_name: 'gen_ai.tool.call', time_ms: 0 }));
    assert.equal(event.time, MONDAY_MS + 5, 'when it was seen, without a time of its own');
    assert.equal(event.tool?.name, 'get_weather');
    assert.deepEqual(event.outcome, { status: 'denied', code: '403' });
    assert.equal(event.trace, undefined);
    assert.match(event.id, /^[0-9a-f]{32}$/);
    const other = contentOf(
      logged({ ...call, 'gen_ai.tool.name': 'other' }, { event_name: 'gen_ai.tool.call', time_ms: 0 }),
    );
    assert.notEqual(other.id, event.id);
    assert.equal(contentOf(logged({ ...call, 'log.record.uid': 'u-1' })).id, 'u-1');
  });

  test('of nothing known are refused with what was tried', () => {
    for (const name of ['http.request', undefined, `x${'\u0000'.repeat(500)}`]) {
      const refusal = logged({}, { event_name: name, body: 'launch codes' });
      assert.ok(refusal.kind === 'refused');
      assert.equal(refusal.reason, 'format_unknown');
      assert.match(refusal.message, /claude_code\.\*.*codex\.\*.*gemini_cli\.\*.*gen_ai\.\*/);
      assert.doesNotMatch(refusal.message, /launch|\u0000/);
      assert.ok(refusal.message.length < 500);
    }
  });

  test('without a time are refused', () => {
    const refusal = logged({}, { event_name: DETAILS, time_ms: 0, observed_ms: 0 });
    assert.ok(refusal.kind === 'refused');
    assert.equal(refusal.field, 'time_unix_nano');
  });
});
