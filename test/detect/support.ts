import type { Model } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { Manifest, Outputs, StateBlob } from '../../schemas/outputs.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import type { DescribeAlert } from '../../services/detect/alerts.ts';
import { PartitionWorker } from '../../services/detect/worker.ts';
import { identityKey } from '../../services/platform/partitioner.ts';
import { fakeModel } from '../support/fake-model.ts';

export const NOON_MS = Date.UTC(2026, 0, 5, 12);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

export const describeNothing: DescribeAlert = () => ({
  title: 'title',
  summary: 'summary',
  severity: 'high',
  recommendation: { action: 'suspend_agent', target: 't', parameters: {}, reason: 'r' },
  techniques: [],
});

/** A worker with a store of blobs behind it, told one record after the other. */
export type Lane = {
  readonly worker: PartitionWorker;
  readonly blobs: Map<string, StateBlob>;
  /** Applies the next record, at its own clock or at the time of its append, and returns what came of it. */
  tell(record: DetectRecord, append_ms: number): Outputs;
  /** Makes everything durable and lets go of all that may go. */
  evict(most: number): number;
};

/** `manifest`: where another one left off. */
export function laneOf(model: Model, manifest?: Manifest): Lane {
  const at = { topic: 't', partition: 0, partitions: 1, generation: 'g' };
  const worker = new PartitionWorker({ ...at, model, describe: describeNothing }, manifest);
  const blobs = new Map<string, StateBlob>();
  return {
    worker,
    blobs,
    tell(record, append_ms) {
      const recorded = record.at !== undefined;
      const decoded = { offset: worker.next, log_ms: record.at ?? append_ms, recorded, record };
      const keys = worker.needs([decoded]).blobs;
      const found = keys.map((key) => blobs.get(key)).filter((blob) => blob !== undefined);
      worker.load(keys, new Map(found.map((blob) => [blob.key, blob])));
      worker.apply(decoded);
      return worker.takeOutputs();
    },
    evict(most) {
      const { groups, identities } = worker.checkpoint();
      for (const blob of [...groups, ...identities]) blobs.set(blob.key, blob);
      return worker.evict(worker.next - 1, most);
    },
  };
}

type EventOptions = {
  readonly identity: string;
  readonly group: string;
  /** Empty: none. */
  readonly session: string;
  readonly time: number;
  readonly key: string;
};

export function eventOf(id: string, options: Partial<EventOptions> = {}): CanonicalEvent {
  const { identity = 'agent', group = '', session = 's', time = NOON_MS } = options;
  return {
    key: options.key ?? Buffer.from(id).toString('hex').padStart(32, '0').slice(-32),
    id,
    origin: 'test',
    tenant: 'default',
    time,
    identity: { id: identity, kind: 'agent', ...(group === '' ? {} : { peer_group: group }) },
    action: { operation: 'read' },
    ...(session === '' ? {} : { session }),
    resources: [],
    volume: {},
    outcome: { status: 'ok' },
  };
}

/** A model with surprises on order: an event whose id begins with `!` opens an alert, with `?` it is a finding. Silence is none. */
export function orderedModel(model: Model): Model {
  return {
    ...model,
    score({ event }) {
      const bits = event.id.startsWith('!') ? 60 : event.id.startsWith('?') ? 9 : 0;
      return { bits, parts: [bits, 0] };
    },
    explain: fakeModel().explain,
    silence: { ...model.silence, look: () => ({ draft: undefined, due: undefined }) },
  };
}

/** The key under which a record is written. */
export function recordKey(record: DetectRecord): string {
  if (record.type === 'event') return identityKey(record.event.tenant, record.event.identity.id);
  if (record.type === 'verdict') return identityKey(record.verdict.tenant, record.verdict.identity);
  if (record.type === 'effect_watch') {
    const { tenant, identity } = record.watch.predicate;
    return identityKey(tenant, identity);
  }
  return record.type;
}
