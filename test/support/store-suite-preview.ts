import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { OpenStore } from '../../services/platform/clickhouse/client.ts';
import { canonical, HOSTILE, NOON, outputs, scored } from './store-fixtures.ts';
import { fresh } from './store-suite.ts';

const DAY_MS = 86_400_000;

/** What containing an identity would touch. */
export function previewSuite(use: () => OpenStore): void {
  test('tells what a containment would touch, of one tenant alone', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const agent = 'agent-1';
    const at = (name: string, time: number, more: Partial<CanonicalEvent> = {}, of = tenant) =>
      scored(canonical(of, name, { time, ...more }));
    const who = (id: string): CanonicalEvent['identity'] => ({ id, kind: 'agent' });
    const credential = { id: 'cred-1' };
    const mail = { tool: { name: 'mail.send' }, session: 's-1', credential };
    const delegating = (...ids: string[]): Partial<CanonicalEvent> => ({
      action: { operation: 'delegate' },
      resources: ids.map((id) => ({ id })),
    });
    await store.writeOutputs(
      outputs({
        events: [
          at('too-old', NOON - 31 * DAY_MS, mail),
          at('a', NOON - 2 * DAY_MS, { ...mail, on_behalf_of: 'ada' }),
          at('b', NOON - 1_000, { ...mail, session: 's-2', resources: [{ id: 'r', classification: 'pii' }] }),
          at('c', NOON, { tool: { name: HOSTILE[0] }, session: 's-2', credential: { id: HOSTILE[4] } }),
          at('d', NOON - 500, delegating('helper', agent)),
          at('e', NOON - 400, { identity: who('twin'), credential }),
          at('f', NOON - 8 * DAY_MS, { identity: who('long-ago'), credential }),
          at('g', NOON - 300, { identity: who('boss'), ...delegating(agent, 'other') }),
          at('h', NOON - 200, { identity: who('stranger'), ...delegating('other') }),
          at('i', NOON - 100, { identity: who('foreign'), credential }, fresh('tenant')),
        ],
      }),
    );
    const request = { tenant, identity: agent, open_since: NOON - 60_000 };
    const target = { field: 'credential', value: 'cred-1' } as const;
    const found = await store.readBlastRadius({ ...request, target });
    assert.deepEqual(found, {
      from: NOON - 30 * DAY_MS,
      others_from: NOON - 7 * DAY_MS,
      to: NOON,
      identity: {
        events: 4,
        sessions: 2,
        tools: 2,
        credentials: 2,
        first_time: NOON - 2 * DAY_MS,
        last_time: NOON,
      },
      target: { events: 2, sessions: 2, last_time: NOON - 1_000 },
      sessions: [
        { session: 's-2', events: 2, first_time: NOON - 1_000, last_time: NOON, open: true },
        { session: 's-1', events: 1, first_time: NOON - 2 * DAY_MS, last_time: NOON - 2 * DAY_MS, open: false },
      ],
      sessions_open: 1,
      credentials: [
        { name: 'cred-1', events: 2, last_time: NOON - 1_000 },
        { name: HOSTILE[4], events: 1, last_time: NOON },
      ],
      tools: [
        { name: 'mail.send', events: 2, last_time: NOON - 1_000 },
        { name: HOSTILE[0], events: 1, last_time: NOON },
      ],
      acts_for: [{ name: 'ada', events: 1, last_time: NOON - 2 * DAY_MS }],
      shares_credential: [{ identity: 'twin', credential: 'cred-1', events: 1, last_time: NOON - 400 }],
      delegates_to: [{ identity: 'helper', events: 1, last_time: NOON - 500 }],
      delegated_by: [{ identity: 'boss', events: 1, last_time: NOON - 300 }],
      days: [
        { day: '2026-06-13', events: 1 },
        { day: '2026-06-15', events: 3 },
      ],
    });
    const touched = async (field: 'tool' | 'classification' | 'session' | 'credential' | 'identity', value: string) =>
      (await store.readBlastRadius({ ...request, target: { field, value } }))?.target;
    assert.deepEqual(await touched('tool', HOSTILE[0]), { events: 1, sessions: 1, last_time: NOON });
    assert.deepEqual(await touched('classification', 'pii'), { events: 1, sessions: 1, last_time: NOON - 1_000 });
    assert.deepEqual(await touched('session', 's-1'), { events: 1, sessions: 1, last_time: NOON - 2 * DAY_MS });
    assert.deepEqual(await touched('identity', agent), { events: 4, sessions: 2, last_time: NOON });
    assert.deepEqual(await touched('tool', "' OR 1 --"), { events: 0, sessions: 0 });
    assert.equal(await store.readBlastRadius({ ...request, identity: 'nobody' }), undefined);
  });
}
