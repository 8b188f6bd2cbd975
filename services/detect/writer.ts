import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Manifest, Outputs } from '../../schemas/outputs.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, FINDINGS_PARTITION, type NewRecord, TOPICS, type Topic } from '../platform/event-log.ts';
import { identityKey } from '../platform/partitioner.ts';
import { type DetectStore, StoreRefused } from '../platform/store.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import { effectRecords } from './effect-reports.ts';
import type { GroupCut } from './handover.ts';
import { createPatience, type Patience } from './patience.ts';
import type { Piece, Pieces } from './pieces.ts';

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
  /** What is worked off; the topic of events when absent. */
  readonly topic?: Topic;
  /** Called before each step; fault tests stop the process there. */
  readonly onStep?: (step: WriteStep) => Promise<void> | void;
};

export type Batch = {
  readonly outputs: Outputs;
  readonly cuts: readonly GroupCut[];
  /** Encoded while the rest is being written. The manifests are complete once all pieces have come. */
  readonly checkpoints?: {
    readonly groups: Pieces;
    readonly identities: Pieces;
    readonly manifests: readonly Manifest[];
  };
};

/** Position in the log up to which a partition is durable in the store. For displays and those who wait; not decisive. */
export const committedName = (partition: number): string => `detect.committed.${partition}`;

export const cutName = (version: string, partition: number): string => `cut/${version}/${partition}`;

export class Writer {
  readonly #options: WriterOptions;
  readonly #patience: Patience;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#patience = createPatience(options);
  }

  /** True while a write is being repeated because the log or the store does not take it. */
  get stalled(): boolean {
    return this.#patience.waiting;
  }

  /** Resolves when the whole batch is durable. Rejects with Stopped when the signal aborts. */
  async write(batch: Batch): Promise<void> {
    const { log, store, onStep } = this.#options;
    const { outputs, cuts, checkpoints } = batch;
    await onStep?.('rows');
    if (hasRows(outputs)) await this.#writeRows(outputs);
    await onStep?.('alerts');
    const records = [...alertRecords(outputs), ...handedRecords(outputs), ...effectRecords(outputs)];
    if (records.length > 0) await this.#patience.until('alerts', () => log.transact({ records }));
    await onStep?.('cuts');
    const priors = cuts.map(({ version, partition, bytes }) => ({ version: cutName(version, partition), bytes }));
    if (priors.length > 0) await this.#patience.until('cuts', () => store.writePriors(priors));
    await onStep?.('groups');
    for await (const piece of checkpoints?.groups ?? []) await this.#writeBlobs(piece);
    await onStep?.('identities');
    for await (const piece of checkpoints?.identities ?? []) await this.#writeBlobs(piece);
    await onStep?.('manifests');
    const manifests = checkpoints?.manifests ?? [];
    if (manifests.length > 0) await this.#patience.until('manifests', () => store.writeManifests(manifests));
    await onStep?.('commit');
    const own = manifests.filter(({ topic }) => topic === TOPICS.events);
    const positions = own.map(({ partition, next_offset, offset_base }) => ({
      name: committedName(partition),
      position: String(next_offset - offset_base),
    }));
    if (positions.length > 0) await this.#patience.until('commit', () => log.transact({ records: [], positions }));
    await onStep?.('done');
  }

  #writeBlobs(piece: Piece): Promise<void> {
    return this.#bisected('blobs', piece, {
      write: (part) => this.#options.store.writeBlobs(part),
      halves: (part) => (part.length > 1 ? halvesOf(part) : undefined),
      refuse: (part, error) => this.#deadLetter('state_blobs', refusedBlob(part, error)),
    });
  }

  #writeRows(outputs: Outputs): Promise<void> {
    return this.#bisected('rows', outputs, {
      write: (part) => this.#options.store.writeOutputs(part),
      halves: outputHalves,
      refuse: async (part, error) => {
        for (const { event, partition, offset } of part.events) await this.#rememberRefused(event, partition, offset);
        await this.#deadLetter(tableOf(part), refusedRow(part, this.#options.topic ?? TOPICS.events, error));
      },
    });
  }

  /** The event was accepted and counts; only its row is missing. So its redelivery is one, after a restart as well. */
  async #rememberRefused({ key, origin, id }: CanonicalEvent, partition: number, offset: number): Promise<void> {
    const { store, telemetry } = this.#options;
    try {
      await this.#patience.until('rows', () => store.writeRefusedKey(partition, { offset, key, origin, id }));
    } catch (error) {
      if (!(error instanceof StoreRefused)) throw error;
      telemetry.occurred('rows_refused', { table: 'refused_keys' }, { partition, offset });
    }
  }

  /** Writes everything, or, where the store refuses something for good, everything but that. */
  async #bisected<T>(
    what: string,
    part: T,
    on: {
      write(part: T): Promise<void>;
      /** Undefined when only one is left. */
      halves(part: T): readonly [T, T] | undefined;
      refuse(part: T, error: StoreRefused): Promise<void>;
    },
  ): Promise<void> {
    try {
      await this.#patience.until(what, () => on.write(part));
    } catch (error) {
      if (!(error instanceof StoreRefused)) throw error;
      const halves = on.halves(part);
      if (halves === undefined) return on.refuse(part, error);
      await this.#bisected(what, halves[0], on);
      await this.#bisected(what, halves[1], on);
    }
  }

  async #deadLetter(table: string, letter: DeadLetter): Promise<void> {
    const { log, telemetry } = this.#options;
    telemetry.occurred('rows_refused', { table }, { position: letter.position });
    const records = [{ topic: TOPICS.dead, key: letter.origin, value: Buffer.from(JSON.stringify(letter)) }];
    const counters = [{ name: `detect.refused.${table}`, add: 1 }];
    await this.#patience.until('dead_letters', () => log.transact({ records, counters }));
  }
}

function hasRows(outputs: Outputs): boolean {
  return rowCount(outputs) > 0;
}

function rowCount({ events, findings, alerts, aliases, poison }: Outputs): number {
  return events.length + findings.length + alerts.length + aliases.length + poison.length;
}

function alertRecords(outputs: Outputs): NewRecord[] {
  return outputs.alerts.map(({ alert, partition }) => ({
    topic: TOPICS.alerts,
    partition,
    key: identityKey(alert.tenant, alert.identity.id),
    value: Buffer.from(JSON.stringify(alert), 'utf8'),
  }));
}

/** All of them are one order: a story may be of any identities of a tenant. */
function handedRecords({ handed }: Outputs): NewRecord[] {
  return handed.map((record) => ({
    topic: TOPICS.findings,
    partition: FINDINGS_PARTITION,
    key: record.type === 'finding' ? record.id : record.type,
    value: Buffer.from(JSON.stringify(record), 'utf8'),
  }));
}

function halvesOf<T>(items: readonly T[]): [T[], T[]] {
  const middle = items.length >>> 1;
  return [items.slice(0, middle), items.slice(middle)];
}

function outputHalves(outputs: Outputs): [Outputs, Outputs] | undefined {
  const total = rowCount(outputs);
  if (total <= 1) return undefined;
  let left = total >>> 1;
  const cut = <T>(rows: readonly T[]): [T[], T[]] => {
    const taken = Math.min(left, rows.length);
    left -= taken;
    return [rows.slice(0, taken), rows.slice(taken)];
  };
  const [e0, e1] = cut(outputs.events);
  const [f0, f1] = cut(outputs.findings);
  const [a0, a1] = cut(outputs.alerts);
  const [i0, i1] = cut(outputs.aliases);
  const [p0, p1] = cut(outputs.poison);
  return [
    { events: e0, findings: f0, alerts: a0, aliases: i0, poison: p0, handed: [], effects: [] },
    { events: e1, findings: f1, alerts: a1, aliases: i1, poison: p1, handed: [], effects: [] },
  ];
}

function tableOf(row: Outputs): string {
  if (row.events.length > 0) return 'events';
  if (row.findings.length > 0) return 'findings';
  if (row.alerts.length > 0) return 'alerts';
  return row.aliases.length > 0 ? 'identity_aliases' : 'dead_letters';
}

function refusedRow(row: Outputs, topic: Topic, error: StoreRefused): DeadLetter {
  const [one] = [...row.events, ...row.findings, ...row.alerts, ...row.aliases, ...row.poison];
  if (one === undefined) throw new Error('the store refused a write without rows');
  const body = Buffer.from(JSON.stringify('event' in one ? one.event : one), 'utf8');
  return refusedLetter({
    message: `the store refused a row of ${tableOf(row)} for good: ${error.message}`,
    origin: topic,
    position: `${topic}/${one.partition}/${one.offset}`,
    body,
    time: 'log_time' in one ? one.log_time : 0,
  });
}

/** What the identity learned since its last stored state is lost with the next start: better than a partition that stands. */
function refusedBlob([waiting]: Piece, error: StoreRefused): DeadLetter {
  if (waiting === undefined) throw new Error('the store refused a write without blobs');
  const { topic, partition, blob, log_ms } = waiting;
  return refusedLetter({
    message: `the store refused the state of ${JSON.stringify(blob.key)} for good: ${error.message}`,
    origin: topic,
    position: `${topic}/${partition}/${blob.version}`,
    body: blob.bytes,
    time: log_ms,
  });
}

function refusedLetter({
  body,
  ...rest
}: Pick<DeadLetter, 'message' | 'origin' | 'position' | 'time'> & { readonly body: Uint8Array }): DeadLetter {
  return {
    reason: 'store_refused',
    length: body.length,
    bytes: Buffer.from(body.subarray(0, LIMITS.dead_letter_bytes_max)).toString('base64'),
    ...rest,
  };
}
