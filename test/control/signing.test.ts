import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { systemClock } from '../../services/platform/clock.ts';
import {
  decodeWebhookSecret,
  encodeWebhookSecret,
  signWebhook,
  verifyWebhook,
} from '../../services/platform/standard-webhooks.ts';

const keyOf = (secret: string): Buffer => decodeWebhookSecret(secret) ?? assert.fail('not a secret');
const secretOf = (size = 24): string => encodeWebhookSecret(randomBytes(size));

test('the example of the specification', () => {
  const headers = signWebhook({
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    now_ms: 1_614_265_330_000,
    payload: '{"test": 2432232314}',
    keys: [keyOf('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')],
  });
  assert.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
});

test('an independent implementation accepts what we sign, and we what it signs', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 24, max: 64 }), (text, size) => {
      const secret = secretOf(size);
      const [peer, keys, now_ms] = [new Webhook(secret), [keyOf(secret)], systemClock.now()];
      const payload = JSON.stringify({ text });
      const headers = signWebhook({ id: 'msg_1', now_ms, payload, keys });
      assert.deepEqual(peer.verify(payload, { ...headers }), { text });
      const signature = peer.sign('msg_2', new Date(now_ms), payload);
      const theirs = { ...headers, 'webhook-id': 'msg_2', 'webhook-signature': signature };
      assert.ok(verifyWebhook(theirs, { now_ms, payload, keys }));
    }),
  );
});

test('a message signed with two secrets is accepted by holders of either', () => {
  const secrets = [secretOf(), secretOf()];
  const payload = '{}';
  const now_ms = systemClock.now();
  const headers = signWebhook({ id: 'msg_1', now_ms, payload, keys: secrets.map(keyOf) });
  for (const secret of secrets) new Webhook(secret).verify(payload, { ...headers });
  assert.throws(() => new Webhook(secretOf()).verify(payload, { ...headers }));
});

test('nothing of a message can be changed', () => {
  const keys = [keyOf(secretOf())];
  const [payload, now_ms] = ['{"a":1}', 1_800_000_000_000];
  const headers = signWebhook({ id: 'msg_1', now_ms, payload, keys });
  const holds = (over: object, text = payload, at = now_ms): boolean =>
    verifyWebhook({ ...headers, ...over }, { now_ms: at, payload: text, keys });
  assert.ok(holds({}));
  assert.ok(holds({}, payload, now_ms + 300_000));
  assert.ok(!holds({}, payload, now_ms + 301_000), 'an old message');
  assert.ok(!holds({}, payload, now_ms - 301_000), 'a message from the future');
  assert.ok(!holds({ 'webhook-id': 'msg_2' }));
  assert.ok(!holds({ 'webhook-timestamp': String(Number(headers['webhook-timestamp']) + 1) }));
  assert.ok(!holds({ 'webhook-timestamp': 'now' }));
  assert.ok(!holds({ 'webhook-signature': '' }));
  assert.ok(!holds({ 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v1a,') }));
  assert.ok(!holds({}, '{"a":2}'));
});

test('only secrets of this scheme are taken', () => {
  const bytes = randomBytes(24).toString('base64');
  const bad = [
    '',
    'whsec_',
    bytes,
    'whsec_short',
    `whsec_${bytes}!`,
    encodeWebhookSecret(randomBytes(23)),
    encodeWebhookSecret(randomBytes(65)),
  ];
  for (const secret of bad) assert.equal(decodeWebhookSecret(secret), undefined, secret);
  assert.equal(decodeWebhookSecret(`whsec_${bytes}`)?.length, 24);
});
