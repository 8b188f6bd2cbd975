import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IdentityConfig } from '../../schemas/ingest-settings.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { normaliseSpan } from '../../services/ingest/genai/span.ts';
import { DEFAULT_SETTINGS } from '../../services/ingest/settings.ts';
import { isEventInput } from '../../services/ingest/validate.ts';
import { CALL, candidate, eventOf, settingsOf, span, toldBy, type Values } from './genai-support.ts';

const NAMELESS: Values = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'get_weather' };
const ROOT = { parent_span_id: undefined };
const jwt = (claims: unknown): string =>
  ['{"alg":"none"}', JSON.stringify(claims), ''].map((part) => Buffer.from(part).toString('base64url')).join('.');

describe('whose a span is', () => {
  test('its own attribute stands above the resource', () => {
    const resource = { 'gen_ai.agent.id': 'agent-r', 'gen_ai.agent.name': 'R' };
    assert.equal(eventOf(CALL, { resource }).identity.id, 'agent-7');
    const of_resource = eventOf(NAMELESS, { resource }).identity;
    assert.equal(of_resource.id, 'agent-r');
    assert.equal(of_resource.name, 'R');
  });

  test('what nobody says is waited for, and is its workload until then', () => {
    const { input, awaits, link } = candidate(normaliseSpan(span(NAMELESS), DEFAULT_SETTINGS));
    assert.equal(awaits, 'identity');
    assert.equal(link?.kind, 'span');
    assert.ok(isEventInput(input));
    assert.deepEqual(input.identity, {
      id: 'unresolved:shop/assistant',
      kind: 'workload',
    });
  });

  test('what is settled waits for nothing and tells others', () => {
    const { awaits, link } = candidate(normaliseSpan(span(CALL), DEFAULT_SETTINGS));
    assert.equal(awaits, undefined);
    assert.ok(link);
  });

  test('the run of an agent says whose its descendants are', () => {
    const told = toldBy({
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.id': 'agent-7',
      'gen_ai.request.model': 'm-1',
      'gen_ai.conversation.id': 'conv-1',
      'enduser.id': 'ann',
    });
    assert.deepEqual(told?.settled, {
      identity: { id: 'agent-7', kind: 'agent', version: 'm-1' },
      session: 'conv-1',
      on_behalf_of: 'ann',
    });
    assert.equal(told?.link.kind === 'span' && told.link.conversation, 'conv-1');
  });

  test('an agent without an id has its name within its workload, on its own run', () => {
    const named: Values = { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'Planner' };
    assert.equal(toldBy(named)?.settled?.identity !== undefined, true);
    assert.deepEqual(toldBy(named)?.settled?.identity, {
      id: 'shop/assistant/Planner',
      kind: 'agent',
      name: 'Planner',
    });
    const of_openllmetry = toldBy({ 'traceloop.span.kind': 'agent', 'traceloop.entity.name': 'Planner' });
    assert.deepEqual(of_openllmetry?.settled?.identity, {
      id: 'shop/assistant/Planner',
      kind: 'agent',
    });
  });

  test('a tool call with the name of its agent waits for the id, and has the name where there is no parent', () => {
    const named: Values = { ...NAMELESS, 'gen_ai.agent.name': 'Planner' };
    assert.equal(candidate(normaliseSpan(span(named), DEFAULT_SETTINGS)).awaits, 'identity');
    assert.equal(eventOf(named, ROOT).identity.id, 'shop/assistant/Planner');
  });

  test('an agent that is neither named nor numbered settles nothing', () => {
    assert.equal(toldBy({ 'gen_ai.operation.name': 'invoke_agent' })?.settled, undefined);
  });
});

describe("a gateway's principal", () => {
  const kinds = { 'client.id': 'service', 'enduser.id': 'human', 'user.id': 'human' };
  for (const [attribute, kind] of Object.entries(kinds)) {
    test(`${attribute} is a ${kind}`, () => {
      const { identity, on_behalf_of } = eventOf({ ...NAMELESS, [attribute]: 'p-1' }, ROOT);
      assert.equal(identity.id, 'p-1');
      assert.equal(identity.kind, kind);
      assert.equal(on_behalf_of, undefined, 'nobody acts for themselves');
    });
  }

  test('stands in for an agent that the trace may still name', () => {
    const { input, awaits } = candidate(normaliseSpan(span({ ...NAMELESS, 'enduser.id': 'ann' }), DEFAULT_SETTINGS));
    assert.equal(awaits, 'identity');
    assert.ok(isEventInput(input));
    assert.equal(input.identity.id, 'ann');
    assert.equal(input.on_behalf_of, 'ann', 'for whom the agent acted, once it is found');
  });

  test('acts through an agent that is known', () => {
    const event = eventOf({ ...CALL, 'enduser.id': 'ann', 'client.id': 'gw' }, ROOT);
    assert.equal(event.identity.id, 'agent-7');
    assert.equal(event.on_behalf_of, 'ann');
  });
});

describe('claims', () => {
  const settings = settingsOf({
    identity: {
      claims: 'attribute:http.request.header.authorization',
      principal: ['claim:agent', { from: 'claim:azp', kind: 'service' }, { from: 'claim:sub', kind: 'human' }],
      on_behalf_of: ['claim:sub'],
    },
  });
  const withClaims = (value: string | readonly string[]) =>
    eventOf({ ...NAMELESS, 'http.request.header.authorization': value }, ROOT, settings);

  test('are read from a JWT, with and without Bearer, and from JSON', () => {
    const claims = { azp: 'client-1', sub: 'ann' };
    for (const value of [jwt(claims), `Bearer ${jwt(claims)}`, JSON.stringify(claims), [`Bearer ${jwt(claims)}`]]) {
      const event = withClaims(value);
      assert.deepEqual([event.identity.id, event.identity.kind], ['client-1', 'service']);
      assert.equal(event.on_behalf_of, 'ann');
      assert.deepEqual(event.credential, { id: 'client-1' });
    }
  });

  test('leave no trace of the token', () => {
    const token = jwt({ azp: 'client-1', secret: 'hunter2' });
    assert.doesNotMatch(JSON.stringify(withClaims(`Bearer ${token}`)), /hunter2|Bearer|eyJ/);
  });

  test('that are none are nothing', () => {
    const values = [
      '',
      'Bearer',
      'a.b',
      'a.b.c',
      'a.b.c.d',
      '{',
      '{}',
      'null',
      jwt([1]),
      jwt('x'),
      jwt(null),
      `{"azp":{}}`,
    ];
    const deep = `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`;
    for (const value of [...values, deep, jwt({ azp: 'x'.repeat(20_000) })]) {
      assert.equal(withClaims(value).identity.id, 'unresolved:shop/assistant', value.slice(0, 40));
    }
  });

  test('do not reach a prototype', () => {
    const polluting = settingsOf({
      identity: { claims: 'attribute:c', principal: ['claim:toString', 'claim:__proto__'] },
    });
    const event = eventOf({ ...NAMELESS, c: '{"__proto__":"evil"}' }, ROOT, polluting);
    assert.equal(event.identity.id, 'evil', 'a claim of that name is a claim like others');
    assert.equal(({} as { evil?: unknown }).evil, undefined);
    assert.equal(eventOf({ ...NAMELESS, c: '{}' }, ROOT, polluting).identity.id, 'unresolved:shop/assistant');
  });
});

describe('the order of places', () => {
  test('is as documented by default', () => {
    const { identity } = eventOf({ ...CALL, 'gen_ai.request.model': 'm', 'gen_ai.prompt.version': '7' });
    assert.equal(identity.version, 'm#7');
    assert.equal(eventOf(CALL, { resource: { 'service.version': '1.2' } }).identity.version, '1.2');
    assert.equal(eventOf({ ...CALL, 'gen_ai.agent.group': 'sales' }).identity.peer_group, 'sales');
    assert.equal(eventOf(CALL, { resource: { 'service.owner': 'ops' } }).identity.owner, 'ops');
    assert.deepEqual(eventOf({ ...CALL, 'api_key.id': 'k-1' }).credential, { id: 'k-1' });
  });

  test('is replaced by what the operator lists', () => {
    const settings = settingsOf({
      identity: {
        agent_id: [{ from: 'resource:k8s.deployment.name', kind: 'workload' }],
        peer_group: [],
        session: ['attribute:thread'],
      },
    });
    const event = eventOf({ ...CALL, thread: 9 }, { resource: { 'k8s.deployment.name': 'bot' } }, settings);
    assert.deepEqual(event.identity, { id: 'bot', kind: 'workload' });
    assert.equal(event.session, '9');
    assert.equal(event.unmapped?.thread, undefined, 'is read, not left over');
  });

  test('knows only places that exist', () => {
    for (const wrong of ['gen_ai.agent.id', 'span:x', 'attribute:', 'claim', 'workload:x', '']) {
      assert.equal(IdentityConfig.safeParse({ agent_id: [wrong] }).success, false, wrong);
    }
    assert.equal(IdentityConfig.safeParse({ claims: 'claim:x' }).success, false);
  });
});

describe('names that are no names', () => {
  test('of an agent are refused, and the message says where they stand', () => {
    for (const id of ['a\u0000b', 'x'.repeat(LIMITS.id_chars_max + 1)]) {
      const { input, explain } = candidate(normaliseSpan(span({ ...CALL, 'gen_ai.agent.id': id }), DEFAULT_SETTINGS));
      assert.equal(isEventInput(input), false);
      const refusal = { kind: 'refused', reason: 'schema_mismatch', field: 'identity.id', message: 'm' } as const;
      assert.match(explain?.(refusal).message ?? '', /ingest\.identity\.agent_id/);
    }
  });

  test('of a workload are made safe', () => {
    const resource = { 'service.name': `a\u0000b${'x'.repeat(2_000)}`, 'service.namespace': '' };
    const { identity, source } = eventOf(NAMELESS, { ...ROOT, resource });
    assert.ok(identity.id.length <= LIMITS.id_chars_max);
    assert.match(identity.id, /^unresolved:a\\u0000bx+~[0-9a-f]{12}$/);
    assert.equal(identity.id, `unresolved:${source?.workload}`);
  });

  test('of a session or an instance bind nothing when they are too long', () => {
    const long = 'x'.repeat(LIMITS.id_chars_max + 1);
    const told = toldBy({ 'gen_ai.conversation.id': long }, { resource: { 'service.instance.id': long } });
    assert.ok(told?.link.kind === 'span');
    assert.deepEqual([told.link.instance, told.link.conversation], [undefined, undefined]);
  });

  test('a service without a name is unknown', () => {
    assert.equal(
      eventOf(NAMELESS, { ...ROOT, resource: { 'service.name': '', 'service.namespace': '' } }).identity.id,
      'unresolved:unknown_service',
    );
  });

  test('structure where one value is needed is refused by its name', () => {
    const refusal = normaliseSpan(span({ ...CALL, 'gen_ai.tool.name': new Map([['a', 1]]) }), DEFAULT_SETTINGS);
    assert.ok(refusal.kind === 'refused');
    assert.equal(refusal.field, 'gen_ai.tool.name');
    assert.match(refusal.message, /one value/);
  });
});
