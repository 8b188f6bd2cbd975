import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openControlView } from '../../services/control/view.ts';
import { runNotify } from '../../services/deliver/notify/notify.ts';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { kafkaPlace } from '../kafka/place.ts';
import { kafkaForTests } from '../support/kafka/for-tests.ts';
import { changed, containmentOf, listenerOf, short, write } from './notify-support.ts';

const { brokers, skip } = await kafkaForTests();
const clock = systemClock;

describe('notifications on Kafka', { skip }, () => {
  test('the office changes hands: everybody is told everything, and the first one gives way', async () => {
    const place = kafkaPlace(brokers);
    const logs: EventLog[] = [];
    const listeners = [listenerOf('a'), listenerOf('b')];
    const begin = async () => {
      const log = await place.open();
      logs.push(log);
      const view = await openControlView(log, clock);
      const over = new AbortController();
      const settings = { debounce_ms: 0, remind_before_ms: 3_600_000 };
      const ports = { log, view, clock, telemetry: silentTelemetry(), random: () => 0, settings };
      const running = runNotify(
        ports,
        listeners.map(({ target }) => target),
        over.signal,
      );
      return async () => {
        over.abort();
        await running;
        await view.close();
      };
    };
    const told = async (count: number): Promise<void> => {
      while (listeners.some((one) => new Set(one.told.map(short)).size < count)) await clock.sleep(20);
    };
    const observer = await place.open();
    logs.push(observer);
    const first = await begin();
    while ((await observer.position('deliver.notify.chat.b')) === undefined) await clock.sleep(20);
    while ((await observer.position('deliver.notify.chat.a')) === undefined) await clock.sleep(20);
    await write(observer, changed(containmentOf(1, { state: 'denied' }), 'pending'), changed(containmentOf(2)));
    await told(2);
    // Both are at it for a while, as when one was cut off and does not know.
    const second = await begin();
    await write(observer, changed(containmentOf(3, { state: 'failed' }), 'dispatching'));
    await told(3);
    await first();
    await write(observer, changed(containmentOf(4, { state: 'unknown' }), 'dispatching'));
    await told(4);
    await second();
    for (const { told: all } of listeners) {
      assert.deepEqual([...new Set(all.map(short))].toSorted(), ['denied 1', 'failed 3', 'proposed 2', 'unknown 4']);
      assert.equal(new Set(all.map(({ id }) => id)).size, 4, 'a repeat has the name of the first');
    }
    for (const log of logs) await log.close();
  });
});
