import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContainmentTerms } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { decide } from '../../services/contain/machine.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { termsFrom } from '../../services/contain/terms.ts';
import { bootstrapCredentials, issueRecoveryKey } from '../../services/control/bootstrap.ts';
import type { Answer } from '../../services/control/command-bus.ts';
import { controlCopies } from '../../services/control/copies.ts';
import { authenticate, mintKey } from '../../services/control/keys.ts';
import { applyControl, emptyControlState } from '../../services/control/state.ts';
import { foldControl, readControl } from '../../services/control/writer.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { type Body, countingBytes, openDesk, respond } from '../contain/harness.ts';
import { alertOf, contextOf } from '../contain/samples.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';

let disk: SimulatedDisk;
let clock: ManualClock;
let log: EventLog;

beforeEach(() => {
  disk = newDisk({ partitions: 2, random: () => 0.5 });
  clock = manualClock();
  log = openSimulatedLog({ disk, clock });
});

afterEach(() => log.close());

describe('keys', () => {
  test('a key has 192 random bits, and its secret is not stored', async () => {
    const [admin] = await bootstrapCredentials(log, { clock, randomBytes });
    assert.match(admin?.token ?? '', /^csk_[0-9a-f]{16}_[A-Za-z0-9_-]{32}$/);
    const stored = (await readControl(log, 0)).entries.map((entry) => JSON.stringify(entry.record)).join();
    assert.ok(stored.includes(admin?.key ?? '-'));
    assert.ok(!stored.includes(admin?.token.slice(21) ?? ''));
  });

  test('authentication', async () => {
    const credentials = await bootstrapCredentials(log, { clock, randomBytes });
    const { state } = await foldControl(log);
    for (const { token, principal, roles, key } of credentials) {
      const found = authenticate(token, state, clock.now());
      assert.deepEqual(found, {
        kind: 'authenticated',
        principal,
        roles,
        credential: key,
        expires: undefined,
        tenants: undefined,
      });
    }
    const [{ token = '' } = {}, other] = credentials;
    const swapped = `${token.slice(0, 21)}${other?.token.slice(21)}`;
    const unknown = mintKey(randomBytes).token;
    for (const [given, code] of [
      [swapped, 'key_refused'],
      [unknown, 'key_refused'],
      ['', 'key_malformed'],
      [`${token}=`, 'key_malformed'],
      [token.toUpperCase(), 'key_malformed'],
      ['csk___proto__', 'key_malformed'],
    ] as const) {
      assert.deepEqual(authenticate(given, state, clock.now()), { kind: 'refused', code }, given);
    }
  });

  test('racing first starts create one set of credentials', async () => {
    const racers = Array.from({ length: 5 }, () =>
      bootstrapCredentials(openSimulatedLog({ disk, clock }), { clock, randomBytes }),
    );
    const winners = (await Promise.all(racers)).filter((credentials) => credentials.length > 0);
    assert.equal(winners.length, 1);
    const { state } = await foldControl(log);
    for (const { token } of winners[0] ?? []) assert.equal(authenticate(token, state, 0).kind, 'authenticated');
    assert.equal(state.keys.size, 3);
    assert.deepEqual(await bootstrapCredentials(log, { clock, randomBytes }), []);
  });

  test('whoever holds the data directory can replace a lost key, not raise a dead', async () => {
    await bootstrapCredentials(log, { clock, randomBytes });
    const recovered = await issueRecoveryKey(log, { issuer: 'local', subject: 'admin' }, { clock, randomBytes });
    const { state } = await foldControl(log);
    assert.equal(authenticate(recovered?.token ?? '', state, clock.now()).kind, 'authenticated');
    const nobody = { issuer: 'local', subject: 'nobody' };
    assert.equal(await issueRecoveryKey(log, nobody, { clock, randomBytes }), undefined);
  });
});

describe('accounts and subscriptions, by command', () => {
  const at = (code: string) => (answer: { kind: string; code?: string }) =>
    assert.equal(answer.kind === 'refused' ? answer.code : answer.kind, code);
  const keyBody = (roles: ('viewer' | 'analyst' | 'approver' | 'admin' | 'siem')[], expires?: number) => {
    const { id, hash, token } = mintKey(randomBytes);
    return { key: { id, hash, roles, ...(expires !== undefined && { expires }) }, token };
  };
  const ref = (subject: string) => ({ issuer: 'local', subject });
  const setUp = async () => {
    await bootstrapCredentials(log, { clock, randomBytes });
    const desk = await openDesk(log, clock);
    const responder = respond(log, clock);
    const end = async () => {
      await responder.stop();
      await desk.view.close();
    };
    return { desk, end };
  };

  test('a user is added, gets another key, loses it, and goes', async () => {
    const { desk, end } = await setUp();
    const { key, token } = keyBody(['approver', 'viewer']);
    const eve = { ...ref('eve'), human: true };
    at('done')(await desk.ask('admin', { type: 'user_add', principal: eve, roles: ['approver', 'viewer'], key }));
    const signedIn = authenticate(token, desk.view.state, clock.now());
    assert.deepEqual(signedIn.kind === 'authenticated' && signedIn.principal, eve);
    at('principal_exists')(
      await desk.ask('admin', { type: 'user_add', principal: eve, roles: ['viewer'], key: keyBody(['viewer']).key }),
    );
    const second = keyBody(['viewer'], clock.now() + 1000);
    at('done')(await desk.ask('admin', { type: 'key_create', principal: ref('eve'), key: second.key }));
    const limited = authenticate(second.token, desk.view.state, clock.now());
    assert.deepEqual(limited.kind === 'authenticated' && limited.roles, ['viewer']);
    assert.deepEqual(authenticate(second.token, desk.view.state, clock.now() + 1000), {
      kind: 'refused',
      code: 'key_expired',
    });
    at('role_not_held')(
      await desk.ask('admin', { type: 'key_create', principal: ref('eve'), key: keyBody(['admin']).key }),
    );
    at('key_exists')(await desk.ask('admin', { type: 'key_create', principal: ref('eve'), key: second.key }));
    at('done')(await desk.ask('eve', { type: 'key_revoke', key: second.key.id }));
    at('already_revoked')(await desk.ask('eve', { type: 'key_revoke', key: second.key.id }));
    at('done')(await desk.ask('admin', { type: 'user_remove', principal: ref('eve') }));
    at('already_revoked')(await desk.ask('admin', { type: 'user_remove', principal: ref('eve') }));
    assert.deepEqual(authenticate(token, desk.view.state, clock.now()), { kind: 'refused', code: 'key_revoked' });
    at('credential_refused')(await desk.ask('eve', { type: 'key_revoke', key: key.id }));
    at('principal_unknown')(
      await desk.ask('admin', { type: 'key_create', principal: ref('eve'), key: keyBody(['viewer']).key }),
    );
    await end();
  });

  test('what the roles forbid', async () => {
    const { desk, end } = await setUp();
    const { key } = keyBody(['approver']);
    const machine = { ...ref('robot'), human: false };
    const adding: Body = { type: 'user_add', principal: machine, roles: ['approver'], key };
    at('approver_must_be_human')(await desk.ask('admin', adding));
    at('role_missing')(await desk.ask('siem', adding));
    const system = { issuer: 'countersign', subject: 'eve', human: true };
    at('principal_exists')(await desk.ask('admin', { ...adding, principal: system }));
    const adminKey = [...desk.view.state.keys.values()].find(({ key: one }) => one.principal.subject === 'admin');
    at('role_missing')(await desk.ask('siem', { type: 'key_revoke', key: adminKey?.key.id ?? '' }));
    at('last_admin')(await desk.ask('admin', { type: 'key_revoke', key: adminKey?.key.id ?? '' }));
    at('last_admin')(await desk.ask('admin', { type: 'user_remove', principal: ref('admin') }));
    at('key_unknown')(await desk.ask('admin', { type: 'key_revoke', key: '0'.repeat(16) }));
    const asSystem = { ...desk.command('admin', adding), by: { issuer: 'countersign', subject: 'system' } };
    at('role_missing')(await desk.bus.ask({ ...asSystem, id: 'as-system-1' }));
    const borrowed = { ...desk.command('siem', adding), by: ref('admin'), id: 'borrowed-key-1' };
    at('credential_refused')(await desk.bus.ask(borrowed));
    const { credential: _, ...without } = desk.command('admin', adding);
    at('credential_refused')(await desk.bus.ask({ ...without, id: 'without-key-1' }));
    assert.equal(desk.view.state.principals.size, 3);
    await end();
  });

  test('a subscription is set, disabled by the system, set again and removed', async () => {
    const { desk, end } = await setUp();
    const secret = encodeWebhookSecret(randomBytes(24));
    const url = 'https://siem.example/hook';
    const set: Body = {
      type: 'subscription_set',
      subscription: { id: 'soc', url, secrets: [secret], format: 'ocsf', severity_min: 'medium' },
    };
    at('role_missing')(await desk.ask('siem', set));
    at('done')(await desk.ask('admin', set));
    assert.equal(desk.view.state.subscriptions.get('soc')?.status.state, 'active');
    const status = { state: 'disabled', reason: 'gone', since: clock.now() } as const;
    const bySystem = {
      type: 'subscription_status',
      id: 'deliver-410-soc',
      by: { issuer: 'countersign', subject: 'system' },
      time: clock.now(),
      subscription: 'soc',
      status,
    } as const;
    at('done')(await desk.bus.ask(bySystem));
    assert.deepEqual(desk.view.state.subscriptions.get('soc')?.status, status);
    at('done')(await desk.ask('admin', set));
    assert.equal(desk.view.state.subscriptions.get('soc')?.status.state, 'active');
    at('done')(await desk.ask('admin', { type: 'subscription_remove', subscription: 'soc' }));
    at('subscription_unknown')(await desk.ask('admin', { type: 'subscription_remove', subscription: 'soc' }));
    const copies = controlCopies((await readControl(log, 0)).entries);
    const text = copies.map(({ json }) => json).join();
    assert.ok(!text.includes(secret), 'no signing secret in the copies');
    for (const { key } of desk.view.state.keys.values()) assert.ok(!text.includes(key.hash), 'no key hash either');
    assert.deepEqual(
      copies.map(({ sequence }) => sequence),
      copies.map((_, index) => index),
    );
    await end();
  });
});

describe('commands', () => {
  test('a command asked again under its id is decided once and answered the same', async () => {
    await bootstrapCredentials(log, { clock, randomBytes: countingBytes() });
    const desk = await openDesk(log, clock, 1000);
    const remove = { type: 'subscription_remove', subscription: 'none' } as const;
    let first: Answer | undefined;
    desk.ask('admin', remove, 'the-command-1').then((answer) => {
      first = answer;
    });
    while (first === undefined) {
      clock.advance(100);
      await nextTurn();
    }
    assert.deepEqual(first, { kind: 'unanswered', command: 'the-command-1' });
    const again = desk.ask('admin', remove, 'the-command-1');
    const responder = respond(log, clock);
    const outcome = await again;
    assert.equal(outcome.kind === 'refused' && outcome.code, 'subscription_unknown');
    assert.deepEqual(await desk.ask('admin', remove, 'the-command-1'), outcome);
    const other = await desk.ask('admin', { ...remove, subscription: 'other' }, 'the-command-1');
    assert.equal(other.kind === 'refused' && other.code, 'command_id_reused');
    await desk.ask('admin', remove, 'the-command-2');
    const outcomes = (await readControl(log, 0)).entries.filter(({ record }) => record.kind === 'command_outcome');
    assert.deepEqual(
      outcomes.map(({ record }) => record.command),
      ['the-command-1', 'the-command-2'],
    );
    await responder.stop();
    await desk.view.close();
  });
});

describe('the fold is bounded', () => {
  const audit = { v: 1, who: { issuer: 'countersign', subject: 'system' }, when: 0, what: '' } as const;

  test('ended containments and old outcomes leave, oldest first; open ones stay', () => {
    const state = emptyControlState();
    const terms = termsFrom(alertOf(), BUILT_IN_POLICY, []);
    const add = (index: number, at: 'pending' | 'denied'): void => {
      const proposal = { type: 'propose', terms: termsOf(terms, index), requested_by: SYSTEM } as const;
      const decision = decide(undefined, proposal, contextOf());
      if (decision.kind === 'refused') assert.fail(decision.code);
      const containment = { ...decision.next, id: index.toString(16).padStart(32, '0'), state: at };
      applyControl(state, { ...audit, kind: 'containment_changed', containment });
    };
    add(0, 'pending');
    for (let index = 1; index <= LIMITS.containments_ended_max + 5; index++) add(index, 'denied');
    assert.equal(state.ended.size, LIMITS.containments_ended_max);
    assert.equal(state.containments.size, LIMITS.containments_ended_max + 1);
    assert.equal(state.byAlert.size, LIMITS.containments_ended_max + 1);
    assert.ok(state.containments.has('0'.repeat(32)));
    assert.ok(!state.containments.has('5'.padStart(32, '0')) && state.containments.has('6'.padStart(32, '0')));
    const outcome = { kind: 'done', subject: '' } as const;
    for (let index = 0; index < LIMITS.outcomes_max + 5; index++) {
      applyControl(state, { ...audit, kind: 'command_outcome', command: `c-${index}`, command_digest: '', outcome });
    }
    assert.equal(state.outcomes.size, LIMITS.outcomes_max);
    assert.ok(!state.outcomes.has('c-4') && state.outcomes.has('c-5'));
  });

  const termsOf = (terms: ContainmentTerms, index: number): ContainmentTerms => ({
    ...terms,
    alert: { ...terms.alert, uid: `alert-${index}` },
  });
});
