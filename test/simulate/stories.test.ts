import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { DEFAULT_STORIES, STORIES } from '../../services/simulate/stories/index.ts';
import {
  bytesOut,
  DAY_MS,
  dayOf,
  distinct,
  type Event,
  HOUR_MS,
  type Run,
  request,
  run,
  runWithAllStories,
  type Scene,
  START_MS,
  sceneOf,
} from './support.ts';

const SEEDS = [1, 2, 3];
const toolsIn = (events: readonly Event[]): Set<string | undefined> =>
  distinct(events.map((event) => event.tool?.name));
const storesIn = (events: readonly Event[]): Set<string | undefined> =>
  distinct(events.map((event) => event.resource?.store));
const resourcesIn = (events: readonly Event[]): Set<string> =>
  distinct(events.flatMap((event) => (event.resource ? [`${event.resource.store} ${event.resource.id}`] : [])));
const bytesByHour = (events: readonly Event[]): number[] =>
  [...Map.groupBy(events, (event) => Math.floor(event.time / HOUR_MS)).values()].map((list) =>
    list.reduce((sum, event) => sum + bytesOut(event), 0),
  );
const largest = (events: readonly Event[]): number =>
  events.reduce((most, event) => Math.max(most, bytesOut(event)), 0);

function inEverySeed(name: string, story: string, check: (scene: Scene, played: Run) => void): void {
  it(`${story}: ${name}`, () => {
    for (const seed of SEEDS) {
      const played = runWithAllStories(seed);
      check(sceneOf(played, story), played);
    }
  });
}

describe('every story', () => {
  it('takes place after the warm-up, with labels that name its events, sessions and identities', () => {
    for (const seed of SEEDS) {
      const { events, labels, request: asked } = runWithAllStories(seed);
      assert.deepEqual(labels.map((label) => label.story).sort(), STORIES.map((story) => story.name).sort());
      const byId = new Map(events.map((event) => [event.id, event]));
      for (const label of labels) {
        assert.ok(
          label.first_time >= START_MS + (asked.days / 2) * DAY_MS,
          `${label.story} before the warm-up is over`,
        );
        assert.ok(label.last_time <= START_MS + asked.days * DAY_MS && label.last_time >= label.first_time);
        assert.equal(label.event_ids.length, label.events);
        const identities = new Set(label.identities ?? [label.identity]);
        for (const id of label.event_ids) {
          const event = byId.get(id);
          assert.ok(event !== undefined, `${label.story} names an event that does not exist`);
          assert.ok(identities.has(event.identity.id) && label.sessions.includes(event.session ?? ''));
          assert.ok(event.time >= label.first_time && event.time <= label.last_time);
        }
      }
    }
  });

  it('keeps to its window in small and short runs too', () => {
    for (const [seed, identities, days] of [
      [4, 12, 2],
      [3, 30, 3],
      [9, 60, 5],
      [5, 24, 9],
    ] as const) {
      const { stories: _, ...asked } = request({ seed, identities, days });
      for (const label of run(asked).labels) {
        const end = START_MS + days * DAY_MS;
        const inside = label.first_time >= START_MS + (days / 2) * DAY_MS && label.last_time <= end;
        assert.ok(inside && label.first_time <= label.last_time, `${label.story} of seed ${seed}`);
      }
    }
  });

  it('is in the documentation, with what it imitates', async () => {
    const page = await readFile(new URL('../../docs/simulate.md', import.meta.url), 'utf8');
    for (const { name, technique } of STORIES) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` `));
      assert.ok(row !== undefined, `${name} is not in docs/simulate.md`);
      for (const id of [...(technique?.mitre ?? []), ...(technique?.owasp ?? [])])
        assert.ok(row.includes(id), `${name}: ${id}`);
    }
  });

  it('has agents of its own', () => {
    for (const seed of SEEDS) {
      const used = runWithAllStories(seed).labels.flatMap((label) => label.identities ?? [label.identity]);
      assert.equal(new Set(used).size, used.length);
    }
  });

  it('leaves no mark in its events: same fields in the same order, same shapes of ids', () => {
    const { events, labels } = runWithAllStories(1);
    const injected = new Set(labels.flatMap((label) => label.event_ids));
    const shape = (event: Event): string =>
      JSON.stringify(event, (_key, value: unknown) => (typeof value === 'object' ? value : 0)).replace(/-?\d+/g, '0');
    const idShape = (event: Event): string =>
      [event.id, event.session, event.trace?.trace_id].map((id) => id?.replace(/[0-9a-f]/g, 'x')).join(' ');
    const ordinary = events.filter((event) => !injected.has(event.id));
    const known = distinct(ordinary.map(shape));
    assert.deepEqual(
      [...distinct(events.map(shape))].filter((one) => !known.has(one)),
      [],
    );
    assert.equal(distinct(events.map(idShape)).size, 1);
  });

  it('comes with attacks and look-alikes in the default set, on different agents', () => {
    const { labels } = run(request({ identities: 60, days: 14, stories: DEFAULT_STORIES }));
    assert.equal(labels.filter((label) => label.kind === 'attack').length, 6);
    assert.equal(labels.filter((label) => label.kind === 'benign').length, 4);
  });

  it('can be played from quiet to loud', () => {
    const eventsOf = (intensity: number): number =>
      run(request({ identities: 30, days: 4, stories: [`resource_sweep:${intensity}`] })).labels[0]?.events ?? 0;
    const [quiet, middle, loud] = [eventsOf(0), eventsOf(0.5), eventsOf(1)];
    assert.ok(quiet <= 12 && 10 * quiet < middle && middle < loud, `${quiet}, ${middle}, ${loud}`);
  });

  it('can be played several times, on different agents', () => {
    const { labels } = run(
      request({ identities: 40, days: 6, stories: ['volume_burst', 'volume_burst:0.2', 'volume_burst:0.9'] }),
    );
    assert.equal(distinct(labels.map((label) => label.identity)).size, 3);
    assert.deepEqual(labels.map((label) => label.intensity).sort(), [0.2, 0.6, 0.9]);
  });
});

describe('attacks', () => {
  inEverySeed('exceeds the largest past hour several times, within one hour', 'volume_burst', ({ own, past }) => {
    const [hour, ...others] = bytesByHour(own);
    assert.deepEqual(others, []);
    assert.ok((hour ?? 0) > 5 * Math.max(...bytesByHour(past)), `${hour} against ${Math.max(...bytesByHour(past))}`);
  });

  inEverySeed('reads many resources, all new to the agent, in one session', 'resource_sweep', ({ own, past }) => {
    const before = resourcesIn(past);
    const taken = [...resourcesIn(own)];
    assert.ok(taken.length >= 200, `${taken.length} resources`);
    assert.deepEqual(
      taken.filter((resource) => before.has(resource)),
      [],
    );
    assert.equal(distinct(own.map((event) => event.session)).size, 1);
  });

  inEverySeed('reaches a restricted store that the agent never used', 'sensitive_store', ({ own, past }) => {
    const before = storesIn(past);
    const reached = own.filter(
      (event) => event.resource?.classification === 'restricted' && !before.has(event.resource.store),
    );
    assert.ok(reached.length >= 3);
    assert.ok(reached.some((event) => event.outcome?.status === 'ok'));
  });

  inEverySeed(
    'reads outside content, then writes to a new recipient, then sends it more than ever',
    'prompt_injection_hijack',
    ({ own, past }) => {
      const sent = own.filter((event) => event.action?.operation === 'export');
      const recipient = sent[0]?.resource?.id;
      assert.ok(sent.length >= 2 && sent.every((event) => event.resource?.id === recipient));
      assert.ok(!past.some((event) => event.resource?.id === recipient));
      const outside = ['get_attachment', 'read_message', 'fetch_page', 'read_package', 'read_candidate'];
      const lure = own.findIndex((event) => outside.includes(event.tool?.name ?? ''));
      assert.ok(lure >= 0 && lure < own.findIndex((event) => event.action?.operation === 'export'));
      assert.equal(own.at(-1), sent.at(-1));
      assert.ok(bytesOut(own.at(-1) ?? own[0]!) > largest(past));
      assert.equal(distinct(own.map((event) => event.session)).size, 1);
    },
  );

  inEverySeed(
    'uses the same credential from another network, when the agent rests, for other work',
    'stolen_credential',
    ({ own, past }) => {
      // It may have been replaced meanwhile, as some are.
      const held = past.findLast((event) => event.time < (own[0]?.time ?? 0))?.credential?.id;
      assert.equal(own[0]?.credential?.id, held);
      const networks = distinct(past.map((event) => event.source?.network));
      assert.ok(own.every((event) => !networks.has(event.source?.network)));
      const hours = distinct(own.map((event) => Math.floor(event.time / HOUR_MS) % 168));
      const awake = past.filter((event) => hours.has(Math.floor(event.time / HOUR_MS) % 168)).length / past.length;
      assert.ok(awake < 0.02, `${awake} of its past in these hours`);
      const before = toolsIn(past);
      assert.ok(own.some((event) => !before.has(event.tool?.name)));
    },
  );

  inEverySeed('brings a tool server that nobody had', 'rogue_plugin', ({ own, label }, { events }) => {
    const known = distinct(events.filter((event) => event.time < label.first_time).map((event) => event.tool?.server));
    const rogue = own.filter((event) => event.tool !== undefined && !known.has(event.tool.server));
    assert.ok(rogue.length >= 3 && distinct(rogue.map((event) => event.tool?.server)).size === 1);
    const elsewhere = events.filter((event) => event.tool?.server === rogue[0]?.tool?.server);
    assert.ok(elsewhere.every((event) => event.identity.id === label.identity));
  });

  inEverySeed('executes for the first time, on several days', 'privilege_creep', ({ own, past }) => {
    assert.ok(past.length > 30 && past.every((event) => event.action?.operation !== 'execute'));
    const executed = own.filter((event) => event.action?.operation === 'execute');
    assert.ok(distinct(executed.map(dayOf)).size >= 2);
  });

  inEverySeed('touches one new target by several agents in turn', 'lateral_movement', ({ own, label }, { events }) => {
    const reads = own.filter(
      (event) => event.tool?.name === 'read_secret' && event.resource?.store === 'secrets-vault',
    );
    const target = Map.groupBy(reads, (event) => event.resource?.id);
    const [id, touches] = [...target].sort((a, b) => b[1].length - a[1].length)[0] ?? [];
    assert.deepEqual(
      touches?.map((event) => event.identity.id),
      label.identities,
    );
    assert.ok((label.identities?.length ?? 0) >= 3);
    assert.ok(!events.some((event) => event.time < label.first_time && event.resource?.id === id));
    const handed = own.filter(
      (event) => event.action?.operation === 'delegate' && event.resource?.store === 'agent-gateway',
    );
    assert.deepEqual(
      handed.map((event) => event.resource?.id),
      label.identities?.slice(1),
    );
  });

  inEverySeed('says nothing any more', 'gone_silent', ({ own, past, all, label }) => {
    assert.equal(own.length, 0);
    assert.equal(all.length, past.length);
    assert.ok(past.length / 12 > 10, `${past.length} events before`);
    assert.ok(label.last_time - label.first_time > 2 * DAY_MS);
  });
});

describe('look-alikes', () => {
  inEverySeed('is the ordinary work several times over', 'month_end_peak', ({ own, past, label }) => {
    const before = toolsIn(past);
    assert.ok(own.filter((event) => !before.has(event.tool?.name)).length / own.length < 0.1);
    const days = (label.last_time - label.first_time) / DAY_MS;
    const past_days = distinct(past.map(dayOf)).size;
    assert.ok(days > 1 && own.length / Math.ceil(days) > past.length / past_days, `${own.length} in ${days} days`);
  });

  inEverySeed('falls on the last days of the month', 'month_end_peak', ({ own }) => {
    assert.ok(own.every((event) => [28, 29, 30, 31, 1].includes(new Date(event.time).getUTCDate())));
  });

  inEverySeed('works with ordinary tools on new resources', 'new_project', ({ own, past }) => {
    const [tools, resources] = [toolsIn(past), resourcesIn(past)];
    assert.ok(own.filter((event) => !tools.has(event.tool?.name)).length / own.length < 0.1);
    assert.ok([...resourcesIn(own)].filter((resource) => !resources.has(resource)).length >= 10);
    assert.ok(distinct(own.map(dayOf)).size >= 4);
  });

  inEverySeed('changes model and versions for good at one moment', 'version_rollout', ({ all, past, own, label }) => {
    const versions = distinct(own.map((event) => event.identity.version));
    assert.equal(versions.size, 1);
    assert.ok(past.every((event) => !versions.has(event.identity.version)));
    assert.ok(
      all.filter((event) => event.time >= label.first_time).every((event) => versions.has(event.identity.version)),
    );
    assert.notEqual(own[0]?.model, past[0]?.model);
  });

  inEverySeed(
    'begins in mid-run beside others of its role',
    'new_team_member',
    ({ past, own, all, label }, { events }) => {
      assert.equal(past.length, 0);
      assert.deepEqual(own, all);
      assert.ok(own.length > 10);
      const role = label.identity.slice(0, label.identity.lastIndexOf('-'));
      const colleagues = distinct(
        events.filter((event) => event.identity.id.startsWith(role)).map((event) => event.identity.id),
      );
      assert.ok(colleagues.size >= 3);
    },
  );

  inEverySeed('repeats failing calls of one server over and over', 'retry_storm', ({ own }) => {
    const failed = own.filter((event) => event.outcome?.status === 'error');
    assert.ok(failed.length / own.length > 0.6, `${failed.length} of ${own.length} failed`);
    const repeats = Map.groupBy(failed, (event) => `${event.session} ${event.tool?.name} ${event.resource?.id}`);
    assert.ok(Math.max(...[...repeats.values()].map((list) => list.length)) >= 5);
    assert.ok((own.at(-1)?.time ?? 0) - (own[0]?.time ?? 0) < 2 * HOUR_MS);
  });

  inEverySeed('reads many old partitions in order with the tools of the trade', 'batch_backfill', ({ own, past }) => {
    const before = toolsIn(past);
    assert.ok(own.every((event) => before.has(event.tool?.name)));
    const partitions = own.filter((event) => event.resource?.kind === 'partition');
    assert.ok(distinct(partitions.map((event) => event.resource?.id)).size > 200);
    const days = partitions.map((event) => Number(event.resource?.id.split('p=')[1]));
    assert.deepEqual(
      days,
      days.toSorted((a, b) => a - b),
    );
  });
});
