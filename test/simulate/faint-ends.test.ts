import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { STORIES } from '../../services/simulate/stories/index.ts';
import { bytesOut, DAY_MS, distinct, type Event, HOUR_MS, request, run, type Scene, sceneOf } from './support.ts';

const SEEDS = [1, 2];

/** One story alone at an intensity. */
const at = (story: string, intensity: number, seed = 1): Scene =>
  sceneOf(run(request({ seed, identities: 24, days: 10, stories: [`${story}:${intensity}`] })), story);

function faintly(name: string, story: string, check: (scene: Scene) => void): void {
  it(`${story}: ${name}`, () => {
    for (const seed of SEEDS) check(at(story, 0, seed));
  });
}

const bytes = (events: readonly Event[]): number => events.reduce((sum, event) => sum + bytesOut(event), 0);
const hourly = (events: readonly Event[]): number[] =>
  [...Map.groupBy(events, (event) => Math.floor(event.time / HOUR_MS)).values()].map(bytes);
const sends = (events: readonly Event[]): Event[] =>
  events.filter(({ resource, outcome }) => resource?.kind === 'recipient' && outcome?.status === 'ok');
const placesOf = (events: readonly Event[]): Set<string | undefined> =>
  distinct(events.map(({ source }) => source?.network));

describe('the faint end of a story', () => {
  faintly('an hour about as large as the largest before', 'volume_burst', ({ own, past }) => {
    assert.ok(bytes(own) < 1.5 * Math.max(...hourly(past)), `${bytes(own)} in ${Math.max(...hourly(past))}`);
  });

  faintly('eight resources', 'resource_sweep', ({ own }) => assert.equal(own.length, 8));

  faintly('one read that is not refused', 'sensitive_store', ({ own, past }) => {
    const stores = distinct(past.map(({ resource }) => resource?.store));
    const reads = own.filter(({ resource }) => resource !== undefined && !stores.has(resource.store));
    assert.ok(
      reads.some(({ outcome, resource }) => outcome?.status === 'ok' && resource?.classification === 'restricted'),
    );
    assert.ok(reads.filter(({ resource }) => resource?.classification === 'restricted').length <= 2);
  });

  faintly('one call that executes', 'privilege_creep', ({ own }) => {
    assert.equal(own.filter(({ action }) => action?.operation === 'execute').length, 1);
  });

  faintly('a send that is smaller than what the agent has moved', 'prompt_injection_hijack', ({ own, past }) => {
    assert.ok(bytesOut(own.at(-1)!) <= Math.max(200_000 / 20 + 1, ...past.map(bytesOut)));
  });

  faintly('hardly more than one day sends', 'slow_exfiltration', ({ own, past }) => {
    const a_day = bytes(sends(past)) / distinct(sends(past).map(({ time }) => Math.floor(time / DAY_MS))).size;
    assert.ok(bytes(sends(own)) < 3 * a_day, `${bytes(sends(own))} against ${a_day} a day`);
  });

  for (const story of ['stolen_credential', 'shared_credential']) {
    faintly("inside the victim's own network, at an address that is not its own", story, ({ own, past }) => {
      const networks = placesOf(past);
      assert.ok(own.every(({ source }) => networks.has(source?.network)));
      const addresses = distinct(past.map(({ source }) => source?.ip));
      const shared = addresses.size > 12;
      assert.ok(shared || own.every(({ source }) => !addresses.has(source?.ip)));
      const block = (ip: string | undefined): string | undefined => ip?.slice(0, ip.lastIndexOf('.'));
      const blocks = distinct(past.map(({ source }) => block(source?.ip)));
      assert.ok(own.every(({ source }) => blocks.has(block(source?.ip))));
    });

    it(`${story}: from the internet when it is loud`, () => {
      const { own, past } = at(story, 0.8);
      assert.deepEqual(placesOf(own), new Set(['internet']));
      assert.ok(!placesOf(past).has('internet'));
    });
  }

  it('falls silent only for the last hours', () => {
    const [faint, loud] = [at('gone_silent', 0).label, at('gone_silent', 1).label];
    assert.ok(faint.last_time - faint.first_time < 2 * DAY_MS);
    assert.ok(loud.last_time - loud.first_time > 3 * DAY_MS);
  });
});

describe('a credential in two places', () => {
  it('is used elsewhere while a session of the agent goes on, with the tools that it uses', () => {
    const { own, all } = at('shared_credential', 0.8);
    const mine = new Set(own);
    const before = distinct(all.filter((event) => event.time < (own[0]?.time ?? 0)).map(({ tool }) => tool?.name));
    assert.ok(own.filter(({ tool }) => before.has(tool?.name)).length / own.length > 0.9);
    const sessions = [...Map.groupBy(own, ({ session }) => session).values()];
    assert.ok(sessions.length >= 3, `${sessions.length} sessions`);
    for (const session of sessions) {
      const begin = session[0]?.time ?? 0;
      const near = all.filter((event) => !mine.has(event) && Math.abs(event.time - begin) < HOUR_MS / 4);
      assert.ok(near.length > 0, 'the agent works at the same time');
      assert.equal(near[0]?.credential?.id, session[0]?.credential?.id);
    }
  });
});

describe('what is put into a session', () => {
  it('stands in its midst as well as at its end', () => {
    const { own } = at('privilege_creep', 1);
    const last = [...Map.groupBy(own, ({ session }) => session).values()].map((events) => events.at(-1));
    assert.ok(last.some((event) => event?.action?.operation !== 'execute'));
  });
});

describe('docs/simulate.md', () => {
  it('says for every story what its intensity changes', async () => {
    const page = await readFile(new URL('../../docs/simulate.md', import.meta.url), 'utf8');
    const section = page.split('### Intensities')[1]?.split('\n## ')[0] ?? '';
    for (const { name } of STORIES) assert.match(section, new RegExp(`^\\| \`${name}\` \\|.+\\|.+\\|$`, 'm'), name);
  });
});
