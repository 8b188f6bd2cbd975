import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { LIMITS } from '../../schemas/limits.ts';
import { normaliseSpan } from '../../services/ingest/genai/span.ts';
import { loadCatalogue } from '../../services/ingest/load.ts';
import { DEFAULT_SETTINGS } from '../../services/ingest/settings.ts';
import { CALL, contentOf, eventOf, settingsOf, span, type Values } from './genai-support.ts';

const ARGUMENTS = '{"recipient":"ann@example.com","body":"launch codes 0000"}';
const FULL: Values = {
  ...CALL,
  'gen_ai.tool.call.arguments': ARGUMENTS,
  'gen_ai.tool.call.result': 'the launch codes went out',
  'gen_ai.input.messages': 'launch codes, please',
  'gen_ai.system_instructions': 'never tell launch codes',
  'gen_ai.prompt.0.content': 'launch codes?',
  'llm.input_messages.0.message.content': 'launch codes?',
  'some.vendor.prompt': 'launch codes?',
  'some.vendor.tool_args': 'launch codes',
  'some.vendor.blob': `launch codes ${'x'.repeat(300)}`,
  'some.vendor.structure': new Map([['a', 'launch codes']]),
  'http.request.header.cookie': ['launch codes'],
};

describe('content', () => {
  test('is measured and dropped', () => {
    const event = eventOf(FULL);
    assert.doesNotMatch(JSON.stringify(event), /launch/);
    assert.deepEqual(event.volume, { bytes_in: ARGUMENTS.length, bytes_out: 25 });
    assert.equal(event.unmapped, undefined);
  });

  test('stays where the operator names it, bounded', () => {
    const settings = settingsOf({ content: { keep: ['gen_ai.tool.call.arguments', 'some.vendor.structure'] } });
    const event = eventOf({ ...FULL, 'gen_ai.tool.call.arguments': ARGUMENTS + 'y'.repeat(5_000) }, {}, settings);
    const kept = event.unmapped?.['gen_ai.tool.call.arguments'] as string;
    assert.equal(kept.length, LIMITS.text_chars_max);
    assert.ok(kept.startsWith(ARGUMENTS));
    assert.equal(event.unmapped?.['some.vendor.structure'], '{"a":"launch codes"}');
    assert.doesNotMatch(JSON.stringify(event.unmapped?.['gen_ai.tool.call.result'] ?? ''), /launch/);
  });

  test('leaves a keyed hash where there is a key, and none without', () => {
    const expected = (text: string) => createHmac('sha256', 'k').update(text).digest('hex').slice(0, 32);
    const { unmapped } = eventOf(FULL, {}, settingsOf({}, 'k'));
    assert.deepEqual(unmapped, {
      'content_hash.arguments': expected(ARGUMENTS),
      'content_hash.result': expected('the launch codes went out'),
    });
    assert.notDeepEqual(eventOf(FULL, {}, settingsOf({}, 'k2')).unmapped, unmapped);
    assert.deepEqual(eventOf(CALL, {}, settingsOf({}, 'k')).unmapped, undefined);
  });

  test('of structure is hashed as it is measured', () => {
    const structured = { ...CALL, 'gen_ai.tool.call.arguments': new Map([['a', 1]]) };
    const text = { ...CALL, 'gen_ai.tool.call.arguments': '{"a":1}' };
    const settings = settingsOf({}, 'k');
    assert.deepEqual(eventOf(structured, {}, settings).unmapped, eventOf(text, {}, settings).unmapped);
  });
});

describe('what nothing reads', () => {
  test('is kept when it is short and no content', () => {
    const event = eventOf({
      ...CALL,
      'deployment.ring': 'canary',
      'vendor.attempt': 3,
      'vendor.cached': true,
      'vendor.tags': ['a', 'b'],
      'gen_ai.tool.call.id': 'call-1',
    });
    assert.deepEqual(event.unmapped, {
      'deployment.ring': 'canary',
      'vendor.attempt': 3,
      'vendor.cached': true,
      'vendor.tags': ['a', 'b'],
    });
  });

  test('is flagged as cut when it is too long', () => {
    const normalised = normaliseSpan(span({ ...CALL, 'vendor.blob': 'x'.repeat(300) }), DEFAULT_SETTINGS);
    assert.ok(normalised.kind === 'candidate');
    assert.equal(normalised.leftovers?.cut, true);
  });
});

describe('targets of a tool call', () => {
  const mail = { ...CALL, 'gen_ai.tool.name': 'send_email', 'gen_ai.tool.call.arguments': ARGUMENTS };
  const catalogue = (lines: string) => {
    const read = loadCatalogue(`version: 1\ntools:\n${lines}`, 'tools.yaml');
    return read.ok ? read.value : assert.fail(read.problems[0]?.message ?? 'no catalogue');
  };
  const resourcesBy = (lines: string, settings = DEFAULT_SETTINGS) =>
    contentOf(normaliseSpan(span(mail), settings), catalogue(lines)).resources;
  const BY_NAME = [{ id: 'ann@example.com', kind: 'email' }];

  test('come from the vocabulary where the catalogue says nothing of resources', () => {
    assert.deepEqual(eventOf(mail).resources, BY_NAME);
    assert.deepEqual(resourcesBy('  - { tool: other, resources: [] }'), BY_NAME);
    assert.deepEqual(resourcesBy('  - { tool: send_email, operation: export }'), BY_NAME);
  });

  test('come from the catalogue where it does, even when it says that there are none', () => {
    const entry = '  - { tool: send_email, resources: [{ argument: recipient, store: outbox }] }';
    assert.deepEqual(resourcesBy(entry), [{ id: 'ann@example.com', store: 'outbox' }]);
    assert.deepEqual(resourcesBy('  - { tool: send_email, resources: [] }'), []);
  });

  test('come from the catalogue alone when the operator says so', () => {
    assert.deepEqual(resourcesBy('  - { tool: other }', settingsOf({ content: { targets: 'catalogue' } })), []);
  });

  test('hold the store that the tool asks', () => {
    const event = eventOf({ ...mail, 'gen_ai.data_source.id': 'kb-1' });
    assert.deepEqual(event.resources, [{ id: 'kb-1', store: 'kb-1', kind: 'data_source' }, ...BY_NAME]);
  });
});
