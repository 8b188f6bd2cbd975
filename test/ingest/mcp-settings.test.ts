import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ContentConfig, IdentityConfig, OtlpConfig } from '../../schemas/ingest-settings.ts';
import { contentHash } from '../../services/ingest/content.ts';
import type { JsonObject } from '../../services/ingest/decode.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { createSettings, type IngestSettings } from '../../services/ingest/settings.ts';
import { normalise, record, request, result, toolCall } from './mcp-support.ts';
import { accepted } from './support.ts';

type Config = { readonly identity?: object; readonly content?: object };

function settingsOf({ identity = {}, content = {} }: Config, hash_key?: string): IngestSettings {
  const config = {
    identity: IdentityConfig.parse(identity),
    content: ContentConfig.parse(content),
    otlp: OtlpConfig.parse({}),
  };
  return createSettings(config, hash_key);
}

const eventOf = (document: JsonObject, settings = settingsOf({})) =>
  accepted({ success: true, ...document }, { formats: normalisersOf('mcp', [], settings) });

const jwt = (claims: object): string =>
  `Bearer x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;

describe('MCP and ingest.identity', () => {
  test('agent_id stands before what the record says of its client', () => {
    const settings = settingsOf({
      identity: { agent_id: [{ from: 'attribute:consumer.custom_id', kind: 'service' }] },
    });
    for (const consumer of [{ consumer: { custom_id: 'c-9' } }, { 'consumer.custom_id': 'c-9' }]) {
      const event = eventOf(record(toolCall(), consumer), settings);
      assert.deepEqual(event.identity, { id: 'c-9', kind: 'service' });
      assert.equal(event.unmapped, undefined);
    }
    assert.equal(eventOf(record(toolCall()), settings).identity.id, 'agent-7');
  });

  test('principal stands behind the client, and before the subject of the token', () => {
    const settings = settingsOf({ identity: { principal: [{ from: 'claim:email', kind: 'human' }] } });
    const claims = { email: 'ann@example.com', sub: 's' };
    assert.equal(eventOf(record(toolCall(), { claims }), settings).identity.id, 'agent-7');
    const alone = eventOf(record(toolCall(), { client: undefined, claims }), settings);
    assert.deepEqual(alone.identity, { id: 'ann@example.com', kind: 'human' });
  });

  test('claims may be a token, of which nothing else is kept', () => {
    const claims = jwt({ azp: 'bot-3', sub: 'ann', secret: 'hunter2' });
    const event = eventOf(record(toolCall(), { client: undefined, claims }));
    assert.deepEqual(event.identity, { id: 'bot-3', kind: 'agent' });
    assert.equal(event.on_behalf_of, 'ann');
    assert.ok(!JSON.stringify(event).includes('hunter2'));
  });

  test('what the record has no name for is looked up: group, session, owner', () => {
    const settings = settingsOf({ identity: { peer_group: ['attribute:team'], owner: ['claim:org'] } });
    const event = eventOf(
      record(toolCall(), {
        session: undefined,
        team: 'mail',
        claims: { org: 'acme' },
        gen_ai: { conversation: { id: 'g-1' } },
      }),
      settings,
    );
    assert.deepEqual([event.identity.peer_group, event.identity.owner, event.session], ['mail', 'acme', 'g-1']);
  });
});

describe('MCP and ingest.content', () => {
  test('arguments name targets, unless the catalogue alone may', () => {
    const call = toolCall('send', { to: 'Ann <ann@example.com>', body: 'see bob@example.com', file: '/etc/hosts' });
    assert.deepEqual(eventOf(record(call)).resources, [
      { id: 'ann@example.com', kind: 'email' },
      { id: '/etc/hosts', kind: 'file' },
    ]);
    assert.deepEqual(eventOf(record(call), settingsOf({ content: { targets: 'catalogue' } })).resources, []);
  });

  test('the URI of a resource is kept without secrets', () => {
    const read = request('resources/read', { uri: 'https://ann:pw@example.com/a?token=x#y' });
    assert.deepEqual(eventOf(record(read)).resources, [{ id: 'https://example.com/a', kind: 'https', store: 'files' }]);
  });

  test('hashes where there is a key, content where it was asked for', () => {
    const { message: _, ...envelope } = record(undefined);
    const both = { ...envelope, request: toolCall('x', { a: 1 }), response: result({ content: [] }) };
    assert.equal(eventOf(both).unmapped, undefined);
    assert.deepEqual(eventOf(both, settingsOf({}, 'key')).unmapped, {
      'content_hash.arguments': contentHash({ a: 1 }, 'key'),
      'content_hash.result': contentHash({ content: [] }, 'key'),
    });
    const kept = settingsOf({ content: { keep: ['message.params.arguments'] } });
    assert.deepEqual(eventOf(both, kept).unmapped, { 'message.params.arguments': '{"a":1}' });
  });

  test('unknown fields are kept when they are short and no content', () => {
    const more = {
      region: 'eu',
      labels: { zone: 'b', deep: { x: 1 }, user_prompt: 'p' },
      notes: ['a'],
      long: 'x'.repeat(300),
      tool_output: 's',
      duration_ms: 3,
    };
    const event = eventOf(record(toolCall(), more));
    assert.deepEqual(event.unmapped, { region: 'eu', 'labels.zone': 'b', duration_ms: 3 });
    assert.deepEqual(event.flags, ['unmapped_cut']);
  });
});

test('both halves of a call meet, whatever names the session', () => {
  const settings = settingsOf({ identity: { agent_id: ['attribute:who'] } });
  const bare = { time: 1_772_442_000_000, server: 'files', who: 'w-1' };
  const asked = normalise({ ...bare, message: toolCall() }, settings);
  const told = normalise({ ...bare, message: result({}) }, settings);
  assert.ok(asked.kind === 'candidate' && asked.link?.kind === 'call');
  assert.ok(told.kind === 'absorbed' && told.tells?.link.kind === 'call');
  assert.equal(asked.link.call, told.tells.link.call);
});
