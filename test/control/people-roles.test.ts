import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PolicyDocument } from '../../schemas/policy.ts';
import { rolesFor } from '../../services/control/people-roles.ts';

const CORP = 'https://login.example.com';
const { people } = PolicyDocument.parse({
  version: 'one',
  people: {
    claims: [
      { claim: 'groups', value: 'soc', roles: ['analyst', 'viewer'] },
      { claim: 'realm_access.roles', value: 'countersigners', roles: ['approver'] },
      { claim: 'https://example.com/roles', value: 'boss', roles: ['admin'] },
      { claim: 'email', value: 'boss@example.com', roles: ['admin'] },
      { claim: 'preferred_username', value: 'boss', roles: ['admin'] },
      { claim: 'groups', value: 'corp-only', issuer: CORP, roles: ['approver'] },
      { claim: 'sub', value: '00u9', roles: ['admin'] },
    ],
    named: [{ principal: { issuer: CORP, subject: '00u1' }, roles: ['viewer'] }],
  },
});
const roles = (claims: Record<string, unknown>, subject = 'x', issuer = CORP) =>
  rolesFor(people, claims, { issuer, subject });

test('roles follow from claims, one value or several, by name or by path', () => {
  assert.deepEqual(roles({ groups: 'soc' }), ['viewer', 'analyst']);
  assert.deepEqual(roles({ groups: ['sales', 'soc'] }), ['viewer', 'analyst']);
  assert.deepEqual(roles({ realm_access: { roles: ['countersigners'] } }), ['approver']);
  assert.deepEqual(roles({ 'realm_access.roles': ['countersigners'] }), ['approver']);
  assert.deepEqual(roles({ 'https://example.com/roles': ['boss'] }), ['admin']);
});

test('roles follow from being named by issuer and subject, not by subject alone', () => {
  assert.deepEqual(roles({ groups: ['soc'] }, '00u1'), ['viewer', 'analyst']);
  assert.deepEqual(roles({}, '00u1'), ['viewer']);
  assert.deepEqual(roles({}, '00u1', 'https://other.example.com'), []);
});

test('a claim that is bound to a provider counts from that one alone', () => {
  assert.deepEqual(roles({ groups: ['corp-only'] }), ['approver']);
  assert.deepEqual(roles({ groups: ['corp-only'] }, 'x', 'https://other.example.com'), []);
});

test('nothing else gives a role', () => {
  for (const claims of [
    {},
    { email: 'boss@example.com', email_verified: true },
    { preferred_username: 'boss' },
    { sub: '00u9' },
    { groups: 'SOC' },
    { groups: { soc: true } },
    { groups: [['soc']] },
    { realm_access: 'countersigners' },
    { realm_access: ['countersigners'] },
  ]) {
    assert.deepEqual(roles(claims), [], JSON.stringify(claims));
  }
  assert.deepEqual(rolesFor(undefined, { groups: ['soc'] }, { issuer: CORP, subject: '00u1' }), []);
  assert.deepEqual(roles(JSON.parse('{"__proto__": {"groups": ["soc"]}}')), []);
});
