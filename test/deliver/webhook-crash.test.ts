import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startWebhooks } from '../../services/deliver/webhook.ts';
import { webhookId } from '../../services/deliver/webhook-core.ts';
import type { WebhookPorts } from '../../services/deliver/webhook-walk.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type Fault, openSimulatedLog } from '../support/simulated-log.ts';
import { entryFor, fakeSubscriptions, until } from './receiver.ts';
import { constantRandom, hastyClock, revisionOf, settled, simulated, writeFeed } from './support.ts';

const telemetry = silentTelemetry();
const UIDS = ['a', 'b', 'poison', 'c', 'd', 'e'];
const idOf = (uid: string) => webhookId('siem', uid, 1);

/** Delivers to a receiver that refuses one message, with one fault at one operation of the log; true when it was reached. */
async function live(faultAt: number, fault: Fault): Promise<boolean> {
  const clock = hastyClock();
  const { disk, log } = simulated({ clock });
  await writeFeed(
    log,
    UIDS.slice(0, 4).map((uid) => revisionOf(uid, 1)),
  );
  const taken: string[] = [];
  const post: WebhookPorts['post'] = async ({ headers }) => {
    await settled();
    const id = String(headers['webhook-id']);
    if (id === idOf('poison')) return { kind: 'answered', status: 400, retry_after: undefined, excerpt: '' };
    taken.push(id);
    return { kind: 'answered', status: 200, retry_after: undefined, excerpt: '' };
  };
  let operations = 0;
  let more = false;
  for (let done = false; !done; ) {
    const crashed = Promise.withResolvers<'crashed'>();
    const stop = new AbortController();
    const shaky = openSimulatedLog({
      disk,
      clock,
      faults: () => ({ offsets_skipped: 1, records_max: 2, ...(operations++ === faultAt ? fault : {}) }),
      crashed: () => crashed.resolve('crashed'),
    });
    const subscriptions = fakeSubscriptions(entryFor('http://127.0.0.1:9/hook'));
    const policy = { allow_private_networks: false };
    const ports = { log: shaky, clock, telemetry, random: constantRandom(), post, policy, subscriptions };
    const webhooks = startWebhooks(ports, stop.signal);
    const finished = (async () => {
      await until(() => taken.includes(idOf('c')));
      if (!more) {
        more = true;
        await writeFeed(
          log,
          UIDS.slice(4).map((uid) => revisionOf(uid, 1)),
        );
      }
      const sums = async (name: string) => (await log.counters()).get(name) ?? 0;
      await until(async () => (await sums('webhook_delivered')) + (await sums('webhook_given_up')) === UIDS.length);
    })();
    done = (await Promise.race([finished, crashed.promise])) === undefined;
    stop.abort();
    if (done) await webhooks.stopped;
  }
  const first = [...new Set(taken)];
  assert.deepEqual(first, UIDS.filter((uid) => uid !== 'poison').map(idOf), 'each was taken, and first in order');
  assert.ok(taken.length <= first.length + 2, `${taken.length} sent for ${first.length}`);
  const sums = await log.counters();
  assert.equal(sums.get('webhook_given_up'), 1);
  return operations > faultAt;
}

describe('a crash while webhooks are sent', () => {
  for (const fault of [{ fail: 'before' }, { fail: 'after' }, { crash: 'before' }, { crash: 'after' }] as const) {
    it(`${JSON.stringify(fault)} at any operation of the log skips nothing`, async () => {
      let at = 0;
      while (await live(at, fault)) at++;
      assert.ok(at > 25, `only ${at} operations were tried`);
    });
  }
});
