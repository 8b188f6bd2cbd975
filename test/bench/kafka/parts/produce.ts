import kafkajs from 'kafkajs';
import { openGround } from '../../../../services/cli/service/foundation.ts';
import { silentTelemetry } from '../../../../services/platform/telemetry.ts';
import { canonicalHistory, canonicalInput, type Input } from '../../input.ts';
import { configOf, publicClient, topicsOf } from '../cluster.ts';
import type { PartArguments } from '../messages.ts';
import type { Part } from './part.ts';

const SEND_MESSAGES = 2_000;

/** A source: the producer of kafkajs by its public interface, all replicas, records keyed by identity, no compression. */
async function sourceOf(given: PartArguments, inputs: readonly Input[]): Promise<Part> {
  // Makes the topic, as the service would.
  const ground = await openGround(configOf(given), silentTelemetry());
  await ground.close();
  const topic = topicsOf(given).raw;
  const producer = publicClient(given).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  let done = 0;
  let sending: Promise<void> | undefined;
  const send = async (): Promise<void> => {
    for (const { items, identities } of inputs) {
      for (let from = 0; from < items.length; from += SEND_MESSAGES) {
        const messages = items.slice(from, from + SEND_MESSAGES).map(({ bytes }, index) => ({
          key: identities[from + index] as string,
          value: bytes,
        }));
        await producer.send({ topic, messages });
        done += messages.length;
      }
    }
  };
  return {
    get progress() {
      return { done, durable: true };
    },
    go: () => {
      sending = send();
    },
    close: async () => {
      await sending;
      await producer.disconnect();
    },
  };
}

/** What the ceilings and the ingest hop read. */
export function openProduce(given: PartArguments): Promise<Part> {
  const input = canonicalInput(given.size);
  return sourceOf(given, new Array<Input>(given.size.repeats).fill(input));
}

/** What the whole road works off: every event once, history first. */
export function openProduceRoad(given: PartArguments): Promise<Part> {
  return sourceOf(given, [canonicalHistory(given.size), canonicalInput(given.size)]);
}

export function openProduceBurst(given: PartArguments): Promise<Part> {
  return sourceOf(given, [canonicalInput(given.size.burst)]);
}
