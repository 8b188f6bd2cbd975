import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { Outputs, StateBlob } from '../../schemas/outputs.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, LogUnavailable, type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey } from '../platform/partitioner.ts';
import { type DetectStore, StoreRefused, StoreUnavailable } from '../platform/store.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { Checkpoint, GroupCut } from './worker.ts';

/**
 * Carries out what the workers hand over, in the order on which recovery rests (design, section 5): rows, alert records,
 * cuts; then the blobs of groups, then those of identities; last the manifest, and
 * after it the position that lag displays read. A transient failure is repeated without
 * end and with growing pauses, a permanent refusal is narrowed down to the row, which is dead-lettered.
 */
export type WriteStep = 'rows' | 'alerts' | 'cuts' | 'groups' | 'identities' | 'manifests' | 'commit' | 'done';

export type WriterOptions = {
  readonly log: EventLog;
  readonly store: DetectStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly signal: AbortSignal;
  /** Called before each step; fault tests stop the process there. */
  readonly onStep?: (step: WriteStep) => Promise<void> | void;
};

export type Batch = {
  readonly outputs: Outputs;
  readonly cuts: readonly GroupCut[];
  readonly checkpoints: readonly Checkpoint[];
};

const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 10_000;

/** Position in the log up to which a partition is durable in the store. For displays and those who wait; not decisive. */
export const committedName = (partition: number): string => `detect.committed.${partition}`;

export const cutName = (version: string, partition: number): string => `cut/${version}/${partition}`;

export class Writer {
  readonly #options: WriterOptions;
  #stalled = false;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** True while a write is being repeated because the log or the store does not take it. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /** Resolves when the whole batch is durable. Rejects only when the signal aborts. */
  async write(batch: Batch): Promise<void> {
    const { log, store, onStep } = this.#options;
    const { outputs, cuts, checkpoints } = batch;
    await onStep?.('rows');
    if (hasRows(outputs)) await this.#writeRows(outputs);
    await onStep?.('alerts');
    const alerts = alertRecords(outputs);
    if (alerts.length > 0) await this.#persist('alerts', () => log.transact({ records: alerts }));
    await onStep?.('cuts');
    for (const cut of cuts) {
      await this.#persist('cuts', () => store.writePrior(cutName(cut.version, cut.partition), cut.bytes));
    }
    await onStep?.('groups');
    await this.#writeBlobs(checkpoints, (checkpoint) => checkpoint.groups);
    await onStep?.('identities');
    await this.#writeBlobs(checkpoints, (checkpoint) => checkpoint.identities);
    await onStep?.('manifests');
    for (const { manifest } of checkpoints) {
      await this.#persist('manifests', () => store.writeManifest(manifest));
    }
    await onStep?.('commit');
    const positions = checkpoints.map(({ manifest }) => ({
      name: committedName(manifest.partition),
      position: String(manifest.next_offset),
    }));
    if (positions.length > 0) await this.#persist('commit', () => log.transact({ records: [], positions }));
    await onStep?.('done');
  }

  async #writeBlobs(checkpoints: readonly Checkpoint[], pick: (checkpoint: Checkpoint) => StateBlob[]): Promise<void> {
    for (const checkpoint of checkpoints) {
      const blobs = pick(checkpoint);
      if (blobs.length === 0) continue;
      const { topic, partition } = checkpoint.manifest;
      await this.#persist('blobs', () => this.#options.store.writeBlobs(topic, partition, blobs));
    }
  }

  async #writeRows(outputs: Outputs): Promise<void> {
    try {
      await this.#persist('rows', () => this.#options.store.writeOutputs(outputs));
    } catch (error) {
      if (!(error instanceof StoreRefused)) throw error;
      const [left, right] = halves(outputs);
      if (right === undefined) await this.#deadLetterRow(left, error);
      else {
        await this.#writeRows(left);
        await this.#writeRows(right);
      }
    }
  }

  async #deadLetterRow(row: Outputs, error: StoreRefused): Promise<void> {
    const { log, telemetry } = this.#options;
    const letter = refusedLetter(row, error);
    telemetry.occurred('rows_refused', { table: tableOf(row) }, { position: letter.position });
    const records = [{ topic: TOPICS.dead, key: letter.origin, value: Buffer.from(JSON.stringify(letter)) }];
    const counters = [{ name: `detect.refused.${tableOf(row)}`, add: 1 }];
    await this.#persist('dead_letters', () => log.transact({ records, counters }));
  }

  /** Repeats a write until it is durable. Only a permanent refusal and the end of the process get out. */
  async #persist(write: string, attempt: () => Promise<unknown>): Promise<void> {
    const { clock, signal, telemetry } = this.#options;
    for (let pause = RETRY_MS_FIRST; ; pause = Math.min(pause * 2, RETRY_MS_MAX)) {
      if (signal.aborted) throw new WriterStopped();
      try {
        await attempt();
        this.#stalled = false;
        return;
      } catch (error) {
        if (!(error instanceof StoreUnavailable || error instanceof LogUnavailable)) throw error;
        this.#stalled = true;
        telemetry.occurred('store_retries', { write }, { error: error.message, pause_ms: pause });
      }
      await clock.sleep(pause, signal);
    }
  }
}

/** The process is ending; what was not written will be written again from the log. */
export class WriterStopped extends Error {
  override readonly name = 'WriterStopped';
}

function hasRows(outputs: Outputs): boolean {
  return outputs.events.length + outputs.findings.length + outputs.alerts.length + outputs.poison.length > 0;
}

function alertRecords(outputs: Outputs): NewRecord[] {
  return outputs.alerts.map(({ alert, partition }) => ({
    topic: TOPICS.alerts,
    partition,
    key: identityKey(alert.tenant, alert.identity.id),
    value: Buffer.from(JSON.stringify(alert), 'utf8'),
  }));
}

/** Splits rows into two batches; a single row comes back alone. */
function halves(outputs: Outputs): [Outputs, Outputs | undefined] {
  const total = outputs.events.length + outputs.findings.length + outputs.alerts.length + outputs.poison.length;
  if (total <= 1) return [outputs, undefined];
  let left = Math.floor(total / 2);
  const cut = <T>(rows: readonly T[]): [T[], T[]] => {
    const taken = Math.min(left, rows.length);
    left -= taken;
    return [rows.slice(0, taken), rows.slice(taken)];
  };
  const [e0, e1] = cut(outputs.events);
  const [f0, f1] = cut(outputs.findings);
  const [a0, a1] = cut(outputs.alerts);
  const [p0, p1] = cut(outputs.poison);
  return [
    { events: e0, findings: f0, alerts: a0, poison: p0 },
    { events: e1, findings: f1, alerts: a1, poison: p1 },
  ];
}

function tableOf(row: Outputs): string {
  if (row.events.length > 0) return 'events';
  if (row.findings.length > 0) return 'findings';
  return row.alerts.length > 0 ? 'alerts' : 'dead_letters';
}

function refusedLetter(row: Outputs, error: StoreRefused): DeadLetter {
  const [one] = [...row.events, ...row.findings, ...row.alerts, ...row.poison];
  if (one === undefined) throw new Error('the store refused a write without rows');
  const body = Buffer.from(JSON.stringify('event' in one ? one.event : one), 'utf8');
  return {
    reason: 'store_refused',
    message: `the store refused a row of ${tableOf(row)} for good: ${error.message}`,
    origin: TOPICS.events,
    position: `${TOPICS.events}/${one.partition}/${one.offset}`,
    length: body.length,
    bytes: body.toString('base64'),
    time: 'log_time' in one ? one.log_time : 0,
  };
}
