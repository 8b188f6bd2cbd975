import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytesOut, dayOf, distinct, type Event, request, run, type Scene, sceneOf } from './support.ts';

const SEEDS = [1, 2, 3];
const played = SEEDS.map((seed) =>
  run(
    request({
      seed,
      identities: 50,
      days: 24,
      stories: ['slow_exfiltration', 'sustained_exfiltration', 'boiling_frog'],
    }),
  ),
);

function inEverySeed(name: string, story: string, check: (scene: Scene) => void): void {
  it(`${story}: ${name}`, () => {
    for (const one of played) check(sceneOf(one, story));
  });
}

const exports = (events: readonly Event[]): Event[] =>
  events.filter((event) => event.action?.operation === 'export' && event.outcome?.status === 'ok');
const recipientsOf = (events: readonly Event[]): Set<string | undefined> =>
  distinct(exports(events).map((event) => event.resource?.id));
const largest = (events: readonly Event[]): number => Math.max(0, ...events.map(bytesOut));
const bytesOf = (events: readonly Event[]): number => events.reduce((sum, event) => sum + bytesOut(event), 0);
const bytesADay = (events: readonly Event[]): number => bytesOf(events) / distinct(events.map(dayOf)).size;

function median(events: readonly Event[]): number {
  const sizes = events.filter((event) => event.outcome?.status === 'ok').map(bytesOut);
  return sizes.sort((a, b) => a - b)[sizes.length >> 1] ?? 0;
}

const sent = (events: readonly Event[]): Event[] =>
  exports(events).filter((event) => event.resource?.kind === 'recipient');

describe('slow attacks', () => {
  for (const story of ['slow_exfiltration', 'sustained_exfiltration']) {
    inEverySeed(
      "is nothing but the agent's own tasks, and no send is larger than its tool's have been",
      story,
      (scene) => {
        const { own, past } = scene;
        const before = Map.groupBy(sent(past), (event) => event.tool?.name);
        for (const event of sent(own)) {
          assert.ok(bytesOut(event) <= largest(before.get(event.tool?.name) ?? []), `${event.tool?.name}`);
        }
        const purposes = distinct(past.map((event) => event.purpose));
        assert.ok(own.every((event) => purposes.has(event.purpose)));
        for (const session of Map.groupBy(own, (event) => event.session).values()) {
          const first = session[0]?.tool?.name;
          assert.ok(
            past.some((event) => event.tool?.name === first),
            `${first} begins a session`,
          );
        }
      },
    );
  }

  inEverySeed('sends more every day, all of it to one recipient', 'slow_exfiltration', ({ own, past }) => {
    assert.equal(recipientsOf(sent(own)).size, 1);
    const days = [...Map.groupBy(sent(own), dayOf)].map(([day, events]) => [day, bytesOf(events)]);
    assert.ok(days.length >= 5, `${days.length} days`);
    const half = days.length >> 1;
    const sum = (list: typeof days): number => list.reduce((all, [, bytes]) => all + (bytes ?? 0), 0);
    assert.ok(sum(days.slice(-half)) > 1.5 * sum(days.slice(0, half)), `${days.map(([, bytes]) => bytes)}`);
    assert.ok(sum(days) > 4 * bytesADay(sent(past)), `${sum(days)} against ${bytesADay(sent(past))} a day`);
  });

  it('goes to a new recipient or to one that the agent knew, by seed', () => {
    const known = [1, 2, 3, 4, 5, 6].map((seed) => {
      const one = run(request({ seed, identities: 24, days: 10, stories: ['slow_exfiltration:0.2'] }));
      const { own, past } = sceneOf(one, 'slow_exfiltration');
      const [recipient] = recipientsOf(sent(own));
      return recipientsOf(past).has(recipient);
    });
    assert.deepEqual(distinct(known), new Set([true, false]));
  });

  inEverySeed(
    'sends more a day than before, to recipients it had, and never more at once',
    'sustained_exfiltration',
    ({ own, past, all, label }) => {
      const before = recipientsOf(past);
      assert.deepEqual(
        [...recipientsOf(own)].filter((recipient) => !before.has(recipient)),
        [],
      );
      assert.ok(largest(exports(own)) <= largest(exports(past)));
      assert.ok(distinct(exports(own).map(dayOf)).size >= 4);
      const during = exports(all.filter(({ time }) => time >= label.first_time && time <= label.last_time));
      const [now, then] = [bytesADay(during), bytesADay(exports(past))];
      assert.ok(now > 1.5 * then && now < 12 * then, `${now} a day against ${then}`);
    },
  );

  inEverySeed('takes the place of what the agent would have done', 'boiling_frog', ({ own, all, label }) => {
    assert.deepEqual(
      all.filter(({ time }) => time >= label.first_time),
      own,
    );
    assert.ok(distinct(own.map((event) => event.session)).size >= 24);
  });

  inEverySeed('moves far more at its end than at its start, by small steps', 'boiling_frog', ({ own, past }) => {
    const fifths = [0, 1, 2, 3, 4].map((fifth) =>
      median(own.slice((fifth * own.length) / 5, ((fifth + 1) * own.length) / 5)),
    );
    const [first = 0, last = 0] = [fifths[0], fifths[4]];
    assert.ok(first < 4 * median(past), `${first} against ${median(past)}`);
    assert.ok(last > 4 * median(past), `${last} against ${median(past)}`);
  });

  inEverySeed('uses the tools that the agent has', 'boiling_frog', ({ own, past }) => {
    const before = distinct(past.map((event) => event.tool?.name));
    assert.ok(own.filter((event) => !before.has(event.tool?.name)).length / own.length < 0.05);
  });

  it('goes further the higher its intensity', () => {
    const movedAt = (intensity: number): number => {
      const one = run(request({ identities: 20, days: 16, stories: [`boiling_frog:${intensity}`] }));
      return sceneOf(one, 'boiling_frog').own.reduce((sum, event) => sum + bytesOut(event), 0);
    };
    const [quiet, loud] = [movedAt(0), movedAt(1)];
    assert.ok(loud > 2 * quiet, `${quiet}, ${loud}`);
  });
});
