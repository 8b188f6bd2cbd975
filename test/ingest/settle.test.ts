import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unresolvedId, type Waiting } from '../../schemas/span.ts';
import { type SettleRule, settleRule } from '../../services/ingest/settle/rule.ts';
import { Settler } from '../../services/ingest/settle/settler.ts';
import { call, content, listener, rule, spanLink, type Told, tells, waits, whose } from './settle-support.ts';
import { HOUR_MS, MINUTE_MS } from './support.ts';

const NOBODY = unresolvedId('shop/till');

type Scene = Told & {
  /** Seconds on the clock. */
  at(seconds: number, ...records: Waiting[]): void;
  readonly settler: Settler;
};

function scene(more: Partial<SettleRule> = {}): Scene {
  const { told, sink } = listener();
  const settler = new Settler(rule(more), sink);
  return Object.assign(told, {
    settler,
    at(seconds: number, ...records: Waiting[]): void {
      settler.pass(seconds * 1_000);
      for (const record of records) settler.put(record, seconds * 1_000, 100);
    },
  });
}

const ways = ({ events }: Told): [string, string, string][] =>
  events.map(({ id, identity, way }) => [id, identity, way]);

describe('an event whose span does not say whose it is', () => {
  test('is of the nearest ancestor that says so, at once when that is known', () => {
    const told = scene();
    told.at(0, tells(spanLink('t', 'root'), whose('far')), tells(spanLink('t', 'mid', 'root'), whose('near')));
    told.at(1, tells(spanLink('t', 'step', 'mid')), waits(spanLink('t', 'tool', 'step')));
    assert.deepEqual(ways(told), [['t-tool', 'near', 'ancestor']]);
  });

  test('waits for links in any order, and for as long as the bound', () => {
    for (const late of [false, true]) {
      const told = scene();
      told.at(0, waits(spanLink('t', 'tool', 'step')));
      told.at(1, tells(spanLink('t', 'step', 'root')));
      assert.deepEqual(told.events, []);
      assert.equal(told.settler.size.waiting, 1);
      told.at(late ? 600.001 : 600, tells(spanLink('t', 'root'), whose('agent-1')));
      assert.deepEqual(ways(told), [['t-tool', ...(late ? [NOBODY, 'unresolved'] : ['agent-1', 'ancestor'])]]);
      assert.equal(told.settler.size.waiting, 0);
    }
  });

  test('takes from its ancestor what it does not say itself, in the one order of fields', () => {
    const told = scene();
    const settled = whose('agent-1', { session: 's', on_behalf_of: 'ann', credential: { id: 'key' } });
    told.at(0, tells(spanLink('t', 'root'), settled));
    told.at(
      0,
      waits(spanLink('t', 'a', 'root'), { model: 'm' }),
      waits(spanLink('t', 'b', 'root'), { session: 'own' }),
    );
    const [a, b] = told.events.map(({ event }) => event);
    assert.deepEqual([a?.session, a?.on_behalf_of, a?.credential, a?.model], ['s', 'ann', { id: 'key' }, 'm']);
    assert.deepEqual([b?.session, b?.on_behalf_of], ['own', 'ann']);
    const order = 'id origin tenant time identity action resources volume outcome tool on_behalf_of session credential';
    assert.deepEqual(Object.keys(a ?? {}), [...order.split(' '), 'model', 'key']);
  });

  test('goes at once when nothing can come: a root, a cycle, a parent of itself, a chain without end', () => {
    const told = scene({ hops_max: 8 });
    told.at(0, waits(spanLink('t', 'alone')));
    told.at(0, tells(spanLink('u', 'a', 'b')), tells(spanLink('u', 'b', 'a')), waits(spanLink('u', 'tool', 'a')));
    told.at(0, waits(spanLink('v', 'self', 'self')));
    for (let at = 0; at < 9; at++) told.at(0, tells(spanLink('w', `s${at}`, `s${at + 1}`)));
    told.at(0, tells(spanLink('w', 's9'), whose('too-far')), waits(spanLink('w', 'tool', 's0')));
    told.at(0, waits(spanLink('w', 'near', 's4')));
    assert.deepEqual(ways(told), [
      ['t-alone', NOBODY, 'unresolved'],
      ['u-tool', NOBODY, 'unresolved'],
      ['v-self', NOBODY, 'unresolved'],
      ['w-tool', NOBODY, 'unresolved'],
      ['w-near', 'too-far', 'ancestor'],
    ]);
  });

  test('follows the first of two spans with one id, for as long as that is remembered', () => {
    const told = scene({ memory_ms: HOUR_MS });
    told.at(0, tells(spanLink('t', 'root'), whose('first')), tells(spanLink('t', 'root'), whose('first')));
    told.at(60, tells(spanLink('t', 'root'), whose('second')), waits(spanLink('t', 'a', 'root')));
    assert.equal(told.reused, 1);
    told.at(3_601, waits(spanLink('t', 'b', 'root')));
    told.at(3_700, waits(spanLink('t', 'c', 'root')));
    assert.deepEqual(
      told.events.map(({ identity }) => identity),
      ['first', 'second'],
    );
  });

  test('keeps tenants apart', () => {
    const told = scene();
    told.at(
      0,
      { ...tells(spanLink('t', 'root'), whose('theirs')), tenant: 'other' },
      waits(spanLink('t', 'a', 'root')),
    );
    assert.deepEqual(told.events, []);
  });
});

describe('a binding', () => {
  const spoken = { conversation: 'c-1' };
  test('of a conversation counts before every ancestor, while its last links name one identity', () => {
    const told = scene();
    told.at(0, tells(spanLink('t', 'a', undefined, spoken), whose('agent-1', { session: 's', on_behalf_of: 'ann' })));
    told.at(1, waits(spanLink('u', 'tool', 'gone', spoken)));
    told.at(
      2,
      tells(spanLink('v', 'b', undefined, spoken), whose('agent-2')),
      waits(spanLink('u', 'x', 'gone', spoken)),
    );
    assert.deepEqual(ways(told), [['u-tool', 'agent-1', 'binding_conversation']]);
    assert.equal(told.events[0]?.event.on_behalf_of, 'ann');
    // Eight links later the first is out of sight.
    for (let at = 0; at < 8; at++) told.at(3, tells(spanLink('w', `w${at}`, undefined, spoken), whose('agent-2')));
    told.at(4, waits(spanLink('u', 'y', 'gone', spoken)));
    assert.deepEqual(ways(told).at(-1), ['u-y', 'agent-2', 'binding_conversation']);
    const elsewhere = { ...spoken, workload: 'bank/desk' };
    told.at(5, waits(spanLink('u', 'z', 'gone', elsewhere)));
    assert.equal(told.events.length, 2);
  });

  test('of an instance needs eight links of four traces, and lends no session', () => {
    const run = { instance: 'pod-1' };
    const told = scene();
    const teach = (trace: number) =>
      told.at(0, tells(spanLink(`t${trace}`, `s${trace}`, undefined, run), whose('agent-1', { session: 's' })));
    const ask = (name: string) => told.at(1, waits(spanLink('u', name, 'gone', run)));
    for (let at = 0; at < 7; at++) teach(at);
    ask('early');
    teach(7);
    ask('known');
    for (let at = 0; at < 8; at++) teach(at % 3);
    ask('few');
    assert.deepEqual(ways(told), [['u-known', 'agent-1', 'binding_instance']]);
    assert.equal(told.events[0]?.event.session, undefined);
  });

  test('that became known meanwhile counts when the time is over', () => {
    const told = scene();
    told.at(0, waits(spanLink('u', 'tool', 'gone', spoken)));
    told.at(5, tells(spanLink('t', 'a', undefined, spoken), whose('agent-1')));
    told.at(601);
    assert.deepEqual(ways(told), [['u-tool', 'agent-1', 'binding_conversation']]);
    told.at(4_000, waits(spanLink('u', 'tool-2', 'gone', spoken)));
    assert.equal(told.events.length, 1, 'what was learned an hour ago is forgotten');
  });
});

describe('a root that comes too late', () => {
  test('claims its events by an alias, once, with the first of their keys', () => {
    const told = scene({ alias_events_max: 2 });
    told.at(0, waits(spanLink('t', 'a', 'root')), waits(spanLink('t', 'b', 'root')), waits(spanLink('t', 'c', 'a')));
    told.at(601);
    assert.deepEqual(ways(told), [
      ['t-a', NOBODY, 'unresolved'],
      ['t-b', NOBODY, 'unresolved'],
      ['t-c', NOBODY, 'unresolved'],
    ]);
    told.at(700, tells(spanLink('t', 'root'), whose('agent-1')), tells(spanLink('t', 'root'), whose('agent-2')));
    const keys = told.events.map(({ event }) => event.key);
    assert.deepEqual(told.aliases, [
      {
        tenant: 'default',
        identity: NOBODY,
        resolved: 'agent-1',
        trace_id: 't',
        events: keys.slice(0, 2),
        count: 3,
        at: 700_000,
      },
    ]);
    assert.equal(told.events.length, 3);
  });

  test('is too late for it after an hour', () => {
    const told = scene();
    told.at(0, waits(spanLink('t', 'a', 'root')));
    told.at(601);
    told.at(3_601, tells(spanLink('t', 'root'), whose('agent-1')));
    assert.deepEqual(told.aliases, []);
    assert.deepEqual(told.settler.size, { links: 1, traces: 1, waiting: 0, bindings: 0 });
  });
});

describe('a call whose answer comes apart', () => {
  const outcome = ({ events }: Told) => events.map(({ id, way, event }) => [id, way, event.outcome.code, event.volume]);

  test('ends with it, whichever comes first', () => {
    for (const first of ['request', 'response'] as const) {
      const told = scene();
      told.at(0, call('rpc', first, 1_000));
      told.at(1, call('rpc', first === 'request' ? 'response' : 'request', first === 'request' ? 1_005 : 1_000));
      const code = first === 'request' ? '1005' : '1000';
      assert.deepEqual(outcome(told), [['rpc-1000', 'response', code, { bytes_out: 7 }]]);
    }
  });

  test('is not ended by what was answered before it was made, and a repeat of it ends the same way', () => {
    const told = scene();
    told.at(0, call('rpc', 'request', 1_000), call('rpc', 'response', 1_005), call('rpc', 'request', 2_000));
    told.at(1, call('rpc', 'request', 1_000), call('rpc', 'response', 2_005));
    assert.deepEqual(
      outcome(told).map(([id, , code]) => [id, code]),
      [
        ['rpc-1000', '1005'],
        ['rpc-1000', '1005'],
        ['rpc-2000', '2005'],
      ],
    );
    assert.equal(told.events[0]?.event.key, told.events[1]?.event.key);
  });

  test('ends unknown after the bound', () => {
    const told = scene();
    told.at(0, call('rpc', 'request'));
    told.at(601, call('rpc', 'response', 2_000));
    assert.deepEqual(outcome(told), [['rpc-1000', 'no_response', undefined, {}]]);
    assert.deepEqual(told.aliases, []);
  });
});

describe('floods', () => {
  test('of one trace push out that trace, and nothing of others', () => {
    const told = scene({ links_per_trace_max: 100, waiting_per_trace_max: 50 });
    told.at(0, tells(spanLink('quiet', 'root'), whose('agent-1')), waits(spanLink('patient', 'tool', 'root')));
    for (let at = 0; at < 5_000; at++) told.at(1, waits(spanLink('loud', `s${at}`, 'gone')));
    assert.equal(told.settler.size.links, 102);
    assert.equal(told.settler.size.waiting, 51);
    told.at(2, waits(spanLink('quiet', 'tool', 'root')), tells(spanLink('patient', 'root'), whose('agent-2')));
    assert.deepEqual(ways(told).slice(-2), [
      ['quiet-tool', 'agent-1', 'ancestor'],
      ['patient-tool', 'agent-2', 'ancestor'],
    ]);
    assert.equal(told.evicted.filter((what) => what === 'waiting_trace').length, 4_950);
  });

  test('of traces, links, bytes and bindings stay within their bounds, lose no event, and end', () => {
    const told = scene({ links_max: 200, waiting_max: 100, waiting_bytes_max: 5_000, bindings_max: 10 });
    for (let at = 0; at < 3_000; at++) {
      const more = { conversation: `c${at}`, instance: `i${at}` };
      told.at(
        1,
        waits(spanLink(`t${at}`, 's', 'gone', more)),
        tells(spanLink(`u${at}`, 's', undefined, more), whose('a')),
      );
      const { links, traces, waiting, bindings } = told.settler.size;
      assert.ok(links <= 200 && waiting <= 50 && bindings <= 20 && traces <= 300, JSON.stringify(told.settler.size));
    }
    told.settler.end();
    assert.equal(told.events.length, 3_000);
    told.at(10_000);
    assert.deepEqual(told.settler.size, { links: 0, traces: 0, waiting: 0, bindings: 0 });
  });

  test('of children of one span that comes last are settled in one go', () => {
    const told = scene({ waiting_max: 40_000, waiting_per_trace_max: 40_000, waiting_bytes_max: 2 ** 40 });
    for (let at = 0; at < 30_000; at++) told.settler.put(waits(spanLink('t', `s${at}`, 'mid')), 0, 1);
    told.at(1, tells(spanLink('t', 'mid', 'root')), tells(spanLink('t', 'root'), whose('agent-1')));
    assert.equal(told.events.length, 30_000);
    assert.ok(told.events.every(({ way }) => way === 'ancestor'));
  });
});

test('two sessions of one agent lend each their own, whatever else they have in common', () => {
  const told = scene();
  const said = [
    whose('agent-1', { session: 's', credential: { id: 'k', kind: 'api_key' } }),
    whose('agent-1', { session: 's', credential: { id: 'k', kind: 'token' } }),
    whose('agent-1', { session: 's', credential: { id: 'k' } }),
    whose('agent-1', { session: 's', on_behalf_of: 'k' }),
    { ...whose('agent-1'), identity: { id: 'agent-1', kind: 'agent', version: '2' } } as const,
  ];
  for (const [at, settled] of said.entries()) {
    told.at(at, tells(spanLink(`t${at}`, 'root'), settled), waits(spanLink(`t${at}`, 'tool', 'root')));
  }
  assert.deepEqual(
    told.events.map(({ event: { identity, session, credential, on_behalf_of } }) =>
      JSON.parse(JSON.stringify({ identity, session, credential, on_behalf_of })),
    ),
    said,
  );
});

test('the bound is within the memory', () => {
  assert.throws(() => settleRule(2 * HOUR_MS), /longer than anything is remembered/);
  assert.equal(settleRule(MINUTE_MS).bound_ms, MINUTE_MS);
});

test('what was held is not changed by being settled', () => {
  const held = content('e');
  const before = structuredClone(held);
  const told = scene();
  const record = waits(spanLink('t', 'a'));
  told.at(0, { ...record, event: { content: held } });
  assert.deepEqual(held, before);
});
