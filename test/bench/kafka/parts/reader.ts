import { LIMITS } from '../../../../schemas/limits.ts';
import { openGround } from '../../../../services/cli/service/foundation.ts';
import { type EventLog, TOPICS, type Topic } from '../../../../services/platform/event-log.ts';
import { silentTelemetry } from '../../../../services/platform/telemetry.ts';
import { configOf } from '../cluster.ts';
import { PARTITIONS } from '../sizes.ts';
import type { OpenPart } from './part.ts';
import { ignore, isEvent, parse, type UseValue } from './values.ts';

const MOST = { records: LIMITS.fetch_records_max, bytes: LIMITS.fetch_bytes_max };

/** Our own reader over all partitions in turn, as detect goes over its own. */
function ownReaderOf(use: UseValue): OpenPart {
  return async (given) => {
    const ground = await openGround(configOf(given), silentTelemetry());
    const topic = given.topics.raw === undefined ? TOPICS.events : TOPICS.raw;
    let done = 0;
    let reading: Promise<void> | undefined;
    const useOne: UseValue = (value) => {
      use(value);
      if (isEvent(value)) done++;
    };
    return {
      get progress() {
        return { done, durable: true };
      },
      go: () => {
        reading = readAll(ground.log, topic, useOne);
      },
      close: async () => {
        await reading;
        await ground.close();
      },
    };
  };
}

async function readAll(log: EventLog, topic: Topic, use: UseValue): Promise<void> {
  const open = await Promise.all(
    Array.from({ length: PARTITIONS }, async (_, partition) => {
      const { start, end } = await log.bounds(topic, partition);
      return { partition, next: start, end };
    }),
  );
  while (open.some(({ next, end }) => next < end)) {
    for (const place of open) {
      if (place.next >= place.end) continue;
      const { records, next } = await log.read(topic, place.partition, place.next, MOST);
      for (const { value } of records) use(value);
      place.next = next;
    }
  }
}

export const openRead = ownReaderOf(ignore);
export const openReadAndParse = ownReaderOf(parse);
