import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Model } from '../../detectors/contract.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { PartitionWorker } from '../../services/detect/worker.ts';
import { fakeModel } from '../support/fake-model.ts';

/** What one partition worker keeps in memory, whatever names and clocks it is told. */
const NOON_MS = Date.UTC(2026, 0, 5, 12);
const MINUTE_MS = 60_000;

test('peer groups beyond the limit cost one table, not memory', () => {
  const { model, made } = countingModel();
  const { worker, tell } = lane(model);
  const groups = 4 * LIMITS.peer_groups_max;
  for (let i = 0; i < groups; i++) {
    tell({ type: 'event', event: eventOf(`e${i}`, { identity: `agent-${i % 3}`, group: `g${i}` }) }, NOON_MS + i);
  }
  assert.ok(made.groups <= LIMITS.peer_groups_max + 1, `${made.groups} groups were made`);
  worker.takeOutputs();
  const { groups: kept, counters } = worker.checkpoint().manifest;
  assert.equal(kept.length, LIMITS.peer_groups_max + 1);
  assert.equal(counters.accepted, groups, 'and every event was scored');
});

test('an identity that was replayed and then acts live has its sessions ended by live ticks', () => {
  const { worker, tell } = lane(fakeModel());
  const recorded_ms = NOON_MS - 30 * 24 * 60 * MINUTE_MS;
  tell({ type: 'event', at: recorded_ms, event: eventOf('recorded', { time: recorded_ms, session: 'old' }) }, NOON_MS);
  tell({ type: 'event', event: eventOf('live', { session: 'new' }) }, NOON_MS);
  worker.takeTallies();
  tell({ type: 'tick' }, NOON_MS + LIMITS.session_idle_ms + MINUTE_MS);
  assert.equal(worker.takeTallies().sessions_ended, 1);
});

function countingModel(): { model: Model; made: { groups: number } } {
  const made = { groups: 0 };
  const model = fakeModel();
  const newGroup = (): ReturnType<Model['newGroup']> => {
    made.groups++;
    return model.newGroup();
  };
  return { model: { ...model, newGroup }, made };
}

/** A worker over an empty store. `tell` applies the next record, at its own clock or at the time of its append. */
function lane(model: Model): { worker: PartitionWorker; tell(record: DetectRecord, append_ms: number): void } {
  const describe = () => ({
    title: 'title',
    summary: 'summary',
    severity: 'high' as const,
    recommendation: { action: 'suspend_agent' as const, target: 't', parameters: {}, reason: 'r' },
    techniques: [],
  });
  const worker = new PartitionWorker({ topic: 't', partition: 0, partitions: 1, generation: 'g', model, describe });
  return {
    worker,
    tell(record, append_ms) {
      const decoded = {
        offset: worker.next,
        log_ms: record.at ?? append_ms,
        recorded: record.at !== undefined,
        record,
      };
      worker.load(worker.needs([decoded]).blobs, new Map());
      worker.apply(decoded);
    },
  };
}

type EventOptions = { identity: string; group: string; session: string; time: number };

function eventOf(
  id: string,
  { identity = 'agent', group = '', session = 's', time = NOON_MS }: Partial<EventOptions>,
): CanonicalEvent {
  return {
    key: Buffer.from(id).toString('hex').padStart(32, '0').slice(-32),
    id,
    origin: 'test',
    tenant: 'default',
    time,
    identity: { id: identity, kind: 'agent', ...(group === '' ? {} : { peer_group: group }) },
    action: { operation: 'read' },
    session: session,
    resources: [],
    volume: {},
    outcome: { status: 'ok' },
  };
}
