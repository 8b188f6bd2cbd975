import { STORY_RULES_VERSION, StoryBook, type StoryOutput } from '../../../detectors/stories/book.ts';
import type { DeadLetter } from '../../../schemas/dead-letter.ts';
import { type HandedFinding, HandedRecord } from '../../../schemas/handed.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Manifest, Outputs, StateBlob } from '../../../schemas/outputs.ts';
import type { Verdict } from '../../../schemas/verdict.ts';
import { FINDINGS_PARTITION, type LogRecord, TOPICS } from '../../platform/event-log.ts';
import { stableId } from '../alerts.ts';
import { DedupMemory } from '../dedup.ts';
import { emptyOutputs } from '../handover.ts';

/**
 * The worker of stories over several identities, as a pure core: what the partition workers hand on, joined by tenant.
 * Like theirs, all that it hands out is a function of its log up to an offset: after a crash its shell starts again at the
 * manifest, and a book whose blob is already further on skips what it has applied.
 */
export type StorySnapshot = { readonly blobs: StateBlob[]; readonly manifest: Manifest };

type Held = {
  readonly key: string;
  readonly recorded: boolean;
  readonly book: StoryBook;
  /** Highest offset of which the book holds the effect. */
  applied: number;
  dirty: boolean;
};

export class StoryWorker {
  readonly #manifest: Manifest;
  /** By key, the longest untouched one first. */
  readonly #books = new Map<string, Held>();
  readonly #seen: DedupMemory;
  readonly #counters: Record<string, number>;
  readonly #clock: { live: number; recorded: number };
  #next: number;
  #outputs: Outputs = emptyOutputs();
  #rejected: DeadLetter[] = [];

  constructor(manifest: Manifest, blobs: ReadonlyMap<string, StateBlob> = new Map()) {
    this.#manifest = manifest;
    this.#next = manifest.next_offset;
    this.#counters = { ...manifest.counters };
    this.#clock = { live: manifest.watermark_live, recorded: manifest.watermark_recorded };
    this.#seen = new DedupMemory(LIMITS.findings_memory_max);
    for (const key of manifest.groups) {
      const blob = blobs.get(key);
      if (blob !== undefined) this.#books.set(key, restored(key, blob));
    }
  }

  /** Offset of the next record to apply: logical, as in the manifest. */
  get next(): number {
    return this.#next;
  }

  get offset_base(): number {
    return this.#manifest.offset_base;
  }

  /** The manifest with which it began. */
  get begun(): Manifest {
    return this.#manifest;
  }

  get tenants(): number {
    return this.#books.size;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  get pending(): boolean {
    const { alerts, findings } = this.#outputs;
    return alerts.length + findings.length + this.#rejected.length > 0;
  }

  /** Rebuilds what tells repeats, from records below the manifest's offset in their order. */
  remember(records: readonly { readonly offset: number; readonly key: string }[]): void {
    for (const { key, offset } of records) if (ID.test(key)) this.#seen.check(key, '', key, offset);
  }

  /** The log holds nothing for a reader up to `next`. */
  skipTo(next: number): void {
    if (next < this.#next) throw new Error(`offset ${next} was passed already, next is ${this.#next}`);
    this.#next = next;
  }

  /** Applies one record of the log. Records come in offset order, each exactly once per worker. */
  apply(raw: LogRecord): void {
    const record = decode(raw.value);
    if (record === undefined) this.#reject(raw);
    else this.applyRecord(record, raw.offset);
  }

  applyRecord(record: HandedRecord, offset: number): void {
    this.#pass(offset);
    this.#count(record.type);
    if (!record.recorded) this.#clock.live = Math.max(this.#clock.live, record.at);
    else if (record.type === 'tick') this.#clock.recorded = this.#heard(record);
    if (record.type === 'finding') this.#find(record, offset);
    else if (record.type === 'verdict') this.#judge(record.verdict, offset);
    else this.#tick(record.recorded, offset);
  }

  /**
   * Up to when all partitions have handed on what they found of a recording: they are read one after the other, at any
   * speed. Live partitions are as far as each other but for moments, and none of them may hold up the rest.
   */
  #heard({ at, partition, partitions }: Extract<HandedRecord, { type: 'tick' }>): number {
    const own = `recorded.${partition}`;
    this.#counters[own] = Math.max(this.#counters[own] ?? 0, at);
    let least = Number.POSITIVE_INFINITY;
    for (let p = 0; p < partitions; p++) least = Math.min(least, this.#counters[`recorded.${p}`] ?? 0);
    return Math.max(this.#clock.recorded, least);
  }

  /** Everything to write since the last call. */
  takeOutputs(): { readonly outputs: Outputs; readonly rejected: readonly DeadLetter[] } {
    const taken = { outputs: this.#outputs, rejected: this.#rejected };
    this.#outputs = emptyOutputs();
    this.#rejected = [];
    return taken;
  }

  /** What changed since the last snapshot. Outputs must be written before it. */
  snapshot(): StorySnapshot {
    if (this.pending) throw new Error('a snapshot before its outputs were taken would lose them');
    const version = this.#next - 1;
    const blobs: StateBlob[] = [];
    for (const held of this.#books.values()) {
      if (!held.dirty) continue;
      held.dirty = false;
      const bytes = Buffer.from(JSON.stringify(held.book.encode()), 'utf8');
      blobs.push({ key: held.key, version, due: held.book.due, bytes });
    }
    const manifest: Manifest = {
      ...this.#manifest,
      next_offset: this.#next,
      watermark_live: this.#clock.live,
      watermark_recorded: this.#clock.recorded,
      dedup_from: this.#seen.from(this.#next),
      groups: [...this.#books.keys()],
      rules_version: STORY_RULES_VERSION,
      counters: { ...this.#counters },
    };
    return { blobs, manifest };
  }

  #reject(raw: LogRecord): void {
    this.#pass(raw.offset);
    this.#count('rejected');
    this.#rejected.push(rejection(raw));
  }

  #pass(offset: number): void {
    if (offset < this.#next) throw new Error(`offset ${offset} was applied already, next is ${this.#next}`);
    this.#next = offset + 1;
  }

  #tick(recorded: boolean, offset: number): void {
    const now = this.#clock[recorded ? 'recorded' : 'live'];
    for (const held of this.#books.values()) {
      const { due } = held.book;
      if (held.recorded !== recorded || due === undefined || due > now || offset <= held.applied) continue;
      this.#take(held, held.book.advance(now), offset);
    }
  }

  #find(found: HandedFinding, offset: number): void {
    if (this.#seen.check(found.id, '', found.id, offset) === 'duplicate') {
      this.#count('repeated');
      return;
    }
    const held = this.#bookOf(found.tenant, found.recorded);
    if (offset > held.applied)
      this.#take(held, held.book.take(found, this.#clock[found.recorded ? 'recorded' : 'live']), offset);
  }

  /** What people say stands in the live stream, also where they say it of a recording. */
  #judge(verdict: Verdict, offset: number): void {
    for (const recorded of [false, true]) {
      const held = this.#books.get(keyOf(verdict.tenant, recorded));
      if (held === undefined || offset <= held.applied) continue;
      this.#take(held, held.book.verdict(verdict, this.#clock[recorded ? 'recorded' : 'live']), offset);
    }
  }

  #take(held: Held, { findings, alerts }: StoryOutput, offset: number): void {
    held.applied = offset;
    held.dirty = true;
    const partition = FINDINGS_PARTITION;
    for (const alert of alerts) this.#outputs.alerts.push({ alert, partition, offset });
    const { tenant } = held.book;
    for (const row of findings) this.#outputs.findings.push({ ...row, tenant, partition, offset });
  }

  /** The book of a tenant, begun if need be. The longest untouched one makes room beyond the limit. */
  #bookOf(tenant: string, recorded: boolean): Held {
    const key = keyOf(tenant, recorded);
    const held = this.#books.get(key) ?? newHeld(key, tenant, recorded);
    this.#books.delete(key);
    this.#books.set(key, held);
    if (this.#books.size > LIMITS.story_tenants_max) {
      const [oldest] = this.#books.keys();
      if (oldest !== undefined) this.#books.delete(oldest);
    }
    return held;
  }

  #count(name: string): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + 1;
  }
}

const ID = /^[0-9a-f]{32}$/;
const RECORDED = '\u0000recorded';

const keyOf = (tenant: string, recorded: boolean): string => (recorded ? `${tenant}${RECORDED}` : tenant);

function newHeld(key: string, tenant: string, recorded: boolean): Held {
  return { key, recorded, book: new StoryBook(tenant, stableId), applied: -1, dirty: false };
}

function restored(key: string, { bytes, version }: StateBlob): Held {
  const recorded = key.endsWith(RECORDED);
  const tenant = recorded ? key.slice(0, -RECORDED.length) : key;
  const state: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return { key, recorded, book: new StoryBook(tenant, stableId, state), applied: version, dirty: false };
}

function decode(value: Buffer): HandedRecord | undefined {
  try {
    return HandedRecord.safeParse(JSON.parse(value.toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function rejection({ offset, append_ms, value }: LogRecord): DeadLetter {
  return {
    reason: 'record_undecodable',
    message: `the record is none of those that detect writes here: let nothing else write to ${TOPICS.findings}`,
    origin: TOPICS.findings,
    position: `${TOPICS.findings}/${FINDINGS_PARTITION}/${offset}`,
    length: value.length,
    bytes: value.subarray(0, LIMITS.dead_letter_bytes_max).toString('base64'),
    time: append_ms,
  };
}
