import type { GroupState, Model } from '../../detectors/contract.ts';
import { createModel } from '../../detectors/model.ts';
import { describeAlert } from '../../detectors/recommend.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { createCutPolicy } from '../../services/cli/recorded/cut-policy.ts';
import { type Decoded, isPoison } from '../../services/detect/decode.ts';
import { decodeCut } from '../../services/detect/groups.ts';
import type { Checkpoint } from '../../services/detect/handover.ts';
import { PartitionWorker } from '../../services/detect/worker.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import type { SeenKey } from '../../services/platform/store.ts';
import { canonicalHistory, type Fleet } from './input.ts';
import { decodedRecords } from './log-records.ts';

/** What a partition knows after the history: enough to start as many equal workers as are wanted. */
export type History = {
  readonly model: Model;
  readonly prior: Uint8Array;
  readonly checkpoint: Checkpoint;
  readonly seen: readonly SeenKey[];
};

/** The default of `detect.alerts_per_1000_identity_days`. */
const ALERTS_PER_1000_IDENTITY_DAYS = 100;
/** Records looked ahead for state, as the runner does. */
const SLICE = 1024;

export function playHistory(size: Fleet): History {
  const model = createModel();
  const worker = newWorker(model, undefined);
  const cuts = createCutPolicy();
  const seen: SeenKey[] = [];
  let prior = model.buildPrior(new Map(), ALERTS_PER_1000_IDENTITY_DAYS);
  for (const { log_ms, recorded, record } of decodedRecords(canonicalHistory(size))) {
    const here = { offset: worker.next, log_ms, recorded };
    if (isPoison(record)) throw new Error('a record of the history is poison');
    if (record.type === 'event') {
      const { key, origin, id } = record.event;
      seen.push({ key, origin, id, offset: here.offset });
      cuts.add(1);
    }
    applyAll(worker, [{ ...here, record }]);
    if (record.type === 'tick' && log_ms % LIMITS.replay_cut_ms === 0 && cuts.take(log_ms)) {
      prior = adoptCut(worker, model, log_ms);
    }
  }
  return { model, prior, checkpoint: worker.checkpoint(), seen };
}

/** What a cut, the builder of priors and the adoption of its prior come to, without log and store. */
function adoptCut(worker: PartitionWorker, model: Model, at: number): Uint8Array {
  const apply = (record: { readonly type: 'cut' | 'prior'; readonly version: string }): void => {
    worker.apply({ offset: worker.next, log_ms: at, recorded: true, record });
  };
  const version = `bench-${at}`;
  apply({ type: 'cut', version });
  const cuts = worker.takeCuts().flatMap(({ bytes }) => [...decodeCut(bytes, model)]);
  const groups = new Map<string, GroupState[]>(cuts.map(([name, state]) => [name, [state]]));
  const prior = model.buildPrior(groups, ALERTS_PER_1000_IDENTITY_DAYS);
  worker.addPrior(version, prior);
  apply({ type: 'prior', version });
  return prior;
}

/** A worker that goes on where the history ended, all identities in memory and the prior adopted. */
export function workerAfter({ model, prior, checkpoint, seen }: History): PartitionWorker {
  const worker = newWorker(model, checkpoint);
  const blobs = [...checkpoint.groups, ...checkpoint.identities];
  worker.load(
    blobs.map(({ key }) => key),
    new Map(blobs.map((blob) => [blob.key, blob])),
  );
  worker.remember(seen);
  const { prior_version } = checkpoint.manifest;
  worker.addPrior(prior_version, prior);
  worker.adoptPrior(prior_version);
  return worker;
}

/** Applies records as the runner does, and lets the rows go. Returns how many event rows there were. */
export function applyAll(worker: PartitionWorker, decoded: readonly Decoded[]): number {
  let rows = 0;
  for (let from = 0; from < decoded.length; from += SLICE) {
    const slice = decoded.slice(from, from + SLICE);
    worker.load(worker.needs(slice).blobs, new Map());
    for (const record of slice) worker.apply(record);
    if (worker.pending.rows >= LIMITS.flush_rows_max) rows += worker.takeOutputs().events.length;
  }
  return rows + worker.takeOutputs().events.length;
}

function newWorker(model: Model, after: Checkpoint | undefined): PartitionWorker {
  const place = { topic: TOPICS.events, partition: 0, partitions: 1, generation: 'bench' };
  return new PartitionWorker({ ...place, model, describe: describeAlert }, after?.manifest);
}
