import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenStore } from '../../services/platform/clickhouse/client.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { canonical, deadLetter, HOSTILE, NOON, outputs, scored } from './store-fixtures.ts';
import { fresh } from './store-suite.ts';

/** Everything is stored now, by the store's clock, which stands far behind this and far before `NEVER`. */
const LONG_AGO = Date.UTC(2020, 0, 1);
const NEVER = Date.UTC(2099, 0, 1);

/** What arrives, and what it lacks. */
export function originSuite(use: () => OpenStore): void {
  test('tells of an origin what its events lack, each once', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const origin = `${tenant} ${HOSTILE[0]}`;
    const full = canonical(tenant, 'full', {
      origin,
      time: NOON + 60_000,
      identity: { id: 'agent-1', kind: 'agent', peer_group: 'mail' },
      resources: [{ id: 'r' }],
      volume: { bytes_out: 0 },
      session: 's',
      credential: { id: 'k' },
    });
    const bare = canonical(tenant, 'bare', { origin, identity: { id: 'unresolved:web/api', kind: 'workload' } });
    const events = [scored(full), scored(bare), scored(full)];
    await store.writeOutputs(outputs({ events }));
    await store.writeDeadLetters(
      ['one', 'two'].map((name, index) => ({
        letter: deadLetter({ origin, position: name, time: NOON + index }),
        topic: TOPICS.dead,
        partition: 0,
        offset: 7_000_000 + index,
      })),
    );
    const { items } = await store.readOrigins(LONG_AGO, 1_000);
    const row = items.find((one) => one.origin === origin);
    const { last_stored, ...rest } = row ?? assert.fail('the origin is there');
    assert.ok(last_stored !== undefined && last_stored > LONG_AGO && last_stored < NEVER);
    assert.deepEqual(rest, {
      origin,
      events: 2,
      identities: 2,
      unresolved_identities: 1,
      last_event: NOON + 60_000,
      missing: { identity: 1, agent: 1, volume: 1, resource: 1, session: 1, credential: 1, peer_group: 1 },
      dead_letters: [{ name: 'not_json', count: 2 }],
      last_dead_letter: NOON + 1,
    });
  });

  test('tells of origins with nothing but dead letters, of the larger first, and of no more than asked', async () => {
    const { store } = use();
    const tenant = fresh('tenant');
    const rejected = `${tenant} rejected`;
    await store.writeDeadLetters([
      {
        letter: deadLetter({ origin: rejected, reason: 'too_deep' }),
        topic: TOPICS.dead,
        partition: 1,
        offset: 7_000_000,
      },
    ]);
    const many = ['a', 'b', 'c'].map((name) => scored(canonical(tenant, name, { origin: `${tenant} many` })));
    await store.writeOutputs(
      outputs({ events: [scored(canonical(tenant, 'd', { origin: `${tenant} few` })), ...many] }),
    );
    const { items, next } = await store.readOrigins(LONG_AGO, 1_000);
    const mine = items.filter(({ origin }) => origin.startsWith(tenant));
    assert.deepEqual(
      mine.map(({ origin, events }) => [origin.slice(tenant.length + 1), events]),
      [
        ['many', 3],
        ['few', 1],
        ['rejected', 0],
      ],
    );
    assert.equal(mine[2]?.last_event, undefined);
    assert.equal(next, undefined);
    const first = await store.readOrigins(LONG_AGO, 1);
    assert.deepEqual([first.items.length, first.next], [1, first.items[0]?.origin]);
  });

  test('tells of nothing that was stored before', async () => {
    assert.deepEqual(await use().store.readOrigins(NEVER, 1_000), { items: [], next: undefined });
  });
}
