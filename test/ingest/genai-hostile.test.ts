import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Link } from '../../schemas/span.ts';
import { CONTENT, FIELDS } from '../../services/ingest/genai/fields.ts';
import { normaliseLog } from '../../services/ingest/genai/log.ts';
import { normaliseSpan } from '../../services/ingest/genai/span.ts';
import type { Normalised } from '../../services/ingest/normaliser.ts';
import type { AttributeValue } from '../../services/ingest/otlp/model.ts';
import { DEFAULT_SETTINGS } from '../../services/ingest/settings.ts';
import { isEventInput } from '../../services/ingest/validate.ts';
import { candidate, contentOf, log, PARENT, settingsOf, span, TRACE } from './genai-support.ts';

/** The names that are read, the values that decide what a span is, and anything else. */
const NAMES = [...Object.values(FIELDS), ...Object.values(CONTENT)].flatMap(({ names }): readonly string[] => names);
const WORDS = [
  'execute_tool',
  'retrieval',
  'invoke_agent',
  'chat',
  'tools/call',
  'resources/read',
  'TOOL',
  'tool',
  'RETRIEVER',
  'AGENT',
  'pinecone',
  '[',
  '{"a":1}',
  '[{"id":"x"}]',
  '__proto__',
];
const text = fc.oneof(
  fc.constantFrom(...WORDS),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ maxLength: 20 }),
);
const name = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...NAMES,
      'gen_ai.agent.id',
      'gen_ai.agent.name',
      'gen_ai.conversation.id',
      'enduser.id',
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '__proto__',
      'constructor',
      'retrieval.documents.0.document.id',
      'retrieval.documents.999999.document.content',
    ),
  },
  { weight: 1, arbitrary: text },
);
const value = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    text,
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(undefined),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
})).value;
const attributes = fc.array(fc.tuple(name, value), { maxLength: 12 }).map((entries) => new Map(entries));
const time = fc.oneof(
  fc.constant(0),
  fc.constant(1_740_992_400_000),
  fc.double(),
  fc.constant(Number.MAX_SAFE_INTEGER),
);
const SETTINGS = [
  DEFAULT_SETTINGS,
  settingsOf(
    {
      content: { keep: ['gen_ai.tool.call.arguments', '__proto__'] },
      otlp: { model_calls: 'accepted', server_calls: 'accepted' },
      identity: { claims: 'attribute:gen_ai.agent.id', principal: ['claim:sub'] },
    },
    'key',
  ),
];

/** What must hold of every result, for P1: a refusal with its reason, a valid link, a candidate that can be decided. */
function check(normalised: Normalised): void {
  if (normalised.kind === 'refused') {
    assert.ok(normalised.message.length < 1_000);
    return;
  }
  const link = normalised.kind === 'absorbed' ? normalised.tells?.link : normalised.link;
  if (link !== undefined) assert.ok(Link.safeParse(link).success, JSON.stringify(link));
  if (normalised.kind === 'absorbed') return;
  if (normalised.awaits !== undefined) assert.ok(link, 'what waits has a place to wait at');
  if (isEventInput(candidate(normalised).input)) contentOf(normalised);
}

describe('hostile spans and log records', () => {
  test('never throw, and leave nothing that cannot be written', () => {
    fc.assert(
      fc.property(attributes, attributes, time, time, fc.nat(6), text, (own, resource, start, end, kind, title) => {
        for (const settings of SETTINGS) {
          const parts = { start_ms: start, end_ms: end, kind, name: title };
          check(normaliseSpan({ ...span({}, parts), attributes: own, resource }, settings));
          const record = {
            ...log({}, { time_ms: end, observed_ms: start, event_name: title }),
            attributes: own,
            resource,
          };
          check(normaliseLog(record, settings));
          check(normaliseLog({ ...record, trace_id: TRACE, span_id: PARENT, event_name: 'gen_ai.choice' }, settings));
        }
      }),
      { numRuns: 800 },
    );
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  test('that are huge take a moment', () => {
    const many = new Map<string, AttributeValue>();
    for (let index = 0; index < 20_000; index++) many.set(`retrieval.documents.${index}.document.id`, `d${index}`);
    many.set('openinference.span.kind', 'RETRIEVER');
    const pieces = contentOf(normaliseSpan({ ...span({}), attributes: many }, DEFAULT_SETTINGS));
    assert.equal(pieces.volume.records, 20_000);

    const depth = '['.repeat(500_000);
    const call = {
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.call.arguments': depth,
      'gen_ai.tool.call.result': depth,
    };
    assert.deepEqual(contentOf(normaliseSpan(span(call), DEFAULT_SETTINGS)).volume, {
      bytes_in: depth.length,
      bytes_out: depth.length,
    });
  });

  test('whose values nest without end are cut, not followed', () => {
    let nested: AttributeValue = 'end';
    for (let level = 0; level < 5_000; level++) nested = level % 2 === 0 ? [nested] : new Map([['a', nested]]);
    const normalised = normaliseSpan(
      span({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.call.arguments': nested }),
      DEFAULT_SETTINGS,
    );
    assert.ok((contentOf(normalised).volume.bytes_in ?? 0) < 500);
  });
});
