import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cookieNames, cookieOptions } from '../../services/api/auth/cookies.ts';

test('over TLS are Secure, of this host alone, and for no script', () => {
  const over_tls = { secure: true };
  assert.deepEqual(cookieOptions(over_tls), { path: '/', httpOnly: true, sameSite: 'lax', secure: true });
  for (const name of Object.values(cookieNames(over_tls))) assert.ok(name.startsWith('__Host-'), name);
  const plain = { secure: false };
  assert.deepEqual(cookieOptions(plain), { path: '/', httpOnly: true, sameSite: 'lax', secure: false });
  for (const name of Object.values(cookieNames(plain))) assert.ok(!name.startsWith('__'), name);
});
