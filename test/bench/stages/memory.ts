import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import type { CanonicalEvent } from '../../../schemas/event.ts';
import { UNITS } from '../../../schemas/limits.ts';
import type { Decoded } from '../../../services/detect/decode.ts';
import { PartitionWorker } from '../../../services/detect/worker.ts';
import { TOPICS } from '../../../services/platform/event-log.ts';
import { collectGarbage } from '../measure.ts';
import type { Size } from '../modes.ts';

/** Bytes per identity beyond what the same process holds without any, after a full collection. */
type Held = { readonly heap_and_external_bytes: number; readonly rss_bytes: number };

export type MemoryFigures = {
  readonly identities: number;
  /** Of the fixed words, which are most of it. */
  readonly state_bytes: number;
  /** All sessions ended and taught. */
  readonly idle: Held;
  /** One session open in every identity. */
  readonly in_session: Held;
  /** What a checkpoint writes of one identity. */
  readonly blob_bytes: { readonly idle: number; readonly in_session: number };
};

const START_MS = Date.UTC(2026, 0, 8);
const EVENTS_PER_SESSION = 3;
/** The memory of keys is bounded per partition and not per identity: here it is small, so that it does not blur. */
const DEDUP_KEYS = 1024;
/** Identities that work before outputs are let go: little enough that what they leave behind dies young. */
const SLICE = 500;

/** Many identities in one partition worker, each with a session of work behind it. */
export async function measureMemory(size: Size): Promise<MemoryFigures> {
  const count = size.memory_identities;
  // A small run first, so that code and its feedback are part of what is there without identities.
  crowd(newWorker(), Math.min(count, 200), { open: true });
  const before = held();
  const worker = newWorker();
  crowd(worker, count, { open: false });
  const idle = perIdentity(before, held(), count);
  crowd(worker, count, { open: true });
  const in_session = perIdentity(before, held(), count);
  if (worker.resident !== count) throw new Error(`${worker.resident} of ${count} identities are resident`);
  return {
    identities: count,
    state_bytes: createModel().words * Uint32Array.BYTES_PER_ELEMENT,
    idle,
    in_session,
    blob_bytes: { idle: blobBytes(Math.min(count, 2_000), false), in_session: blobBytes(Math.min(count, 2_000), true) },
  };
}

function newWorker(): PartitionWorker {
  const place = { topic: TOPICS.events, partition: 0, partitions: 1, generation: 'bench' };
  return new PartitionWorker({ ...place, model: createModel(), describe: describeAlert, dedup_keys_max: DEDUP_KEYS });
}

/** Each of so many identities works for one session, which stays open or is ended by a tick. */
function crowd(worker: PartitionWorker, count: number, { open }: { readonly open: boolean }): void {
  const begin_ms = Math.max(START_MS, worker.watermark.recorded) + UNITS.HOUR_MS;
  for (let from = 0; from < count; from += SLICE) {
    applyAll(worker, eventsOf(from, Math.min(count, from + SLICE), begin_ms));
  }
  if (!open) tick(worker, begin_ms + 2 * UNITS.DAY_MS);
}

function applyAll(worker: PartitionWorker, events: Iterable<CanonicalEvent>): void {
  for (const event of events) {
    const decoded: Decoded = {
      offset: worker.next,
      log_ms: event.time,
      recorded: true,
      record: { type: 'event', event },
    };
    worker.load(worker.needs([decoded]).blobs, new Map());
    worker.apply(decoded);
  }
  worker.takeOutputs();
}

function tick(worker: PartitionWorker, at: number): void {
  worker.apply({ offset: worker.next, log_ms: at, recorded: true, record: { type: 'tick', at } });
  worker.takeOutputs();
}

function* eventsOf(from: number, to: number, begin_ms: number): Generator<CanonicalEvent> {
  for (let n = 0; n < EVENTS_PER_SESSION; n++) {
    for (let identity = from; identity < to; identity++) yield eventOf(identity, n, begin_ms + n * UNITS.MINUTE_MS);
  }
}

function eventOf(identity: number, n: number, time: number): CanonicalEvent {
  const serial = `${identity.toString(16)}-${n}-${time.toString(16)}`;
  return {
    key: serial.replaceAll('-', '').padStart(32, '0').slice(-32),
    id: serial,
    origin: 'bench',
    tenant: 'default',
    time,
    identity: { id: `agent-${identity}`, kind: 'agent', peer_group: `group-${identity % 20}` },
    session: `session-${identity}-${time - n * UNITS.MINUTE_MS}`,
    action: { operation: n % 3 === 2 ? 'store' : 'read' },
    tool: { name: `tool-${(identity + n) % 12}`, server: 'server' },
    resources: [{ id: `resource-${(identity * 3 + n) % 5_000}`, store: 'store', classification: 'internal' }],
    volume: { bytes_in: 50 + n, bytes_out: 1_000 + ((identity * 37) % 900), records: 1 },
    outcome: { status: 'ok' },
  };
}

function held(): Held {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap_and_external_bytes: heapUsed + external, rss_bytes: rss };
}

function perIdentity(before: Held, after: Held, count: number): Held {
  return {
    heap_and_external_bytes: (after.heap_and_external_bytes - before.heap_and_external_bytes) / count,
    rss_bytes: (after.rss_bytes - before.rss_bytes) / count,
  };
}

function blobBytes(count: number, open: boolean): number {
  const worker = newWorker();
  crowd(worker, count, { open });
  const { identities } = worker.checkpoint();
  return identities.reduce((sum, { bytes }) => sum + bytes.length, 0) / identities.length;
}
