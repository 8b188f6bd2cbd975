import { LIMITS } from '../schemas/limits.ts';
import { CALIBRATED_MAX } from './calibration.ts';
import type { SessionTrace } from './contract.ts';
import { type Features, SIZE_STEPS } from './features.ts';
import { LAYOUT_VERSION } from './layout.ts';

/**
 * An open session in words: a header with running totals and the first distinct tokens, then one record an event. All
 * of it is in one buffer, so that storing is a copy and a restored session scores bit for bit alike.
 */
const DISTINCT = 8;
export const TOKENS_MAX = 24;
const SIGNATURES = 16;
/** Distinct addresses, networks, workloads, credentials and their kinds that a session learns. */
const ACCESSES = 8;
const FIRST_CAPACITY = 192;
/** Distinct versions that a session learns: its own, and two keys for each tool server. */
export const TRACE_VERSIONS = 9;

let next = 0;
const field = (words = 1): number => {
  const at = next;
  next += words;
  return at;
};
export const TRACE = {
  events: field(),
  bits: field(),
  /** The last tool and the one before it; 0 before the first. */
  previous: field(),
  before: field(),
  tokens: field(),
  signatures: field(),
  novel_run: field(),
  denied_run: field(),
  error_run: field(),
  /** Totals of bytes out, bytes in, records, as floats, and which are known: bits 0 to 2, and DECLARED. */
  totals: field(3),
  known: field(),
  /** Words in use, and events recorded for learning. */
  length: field(),
  recorded: field(),
  first_s: field(),
  last_s: field(),
  /** Bucket of the score histogram plus 1 under which this session is counted. */
  bucket: field(),
  /** 1 once an event reached the prior's `doubt_bits`. */
  doubted: field(),
  distinct: field(DISTINCT),
  token: field(TOKENS_MAX),
  /** Tool of each token. */
  token_tool: field(TOKENS_MAX),
  signature: field(SIGNATURES),
  /** Keys of what is known of the access (features.ts), each once. */
  accesses: field(),
  access: field(ACCESSES),
  /** Slots of the week's rhythm in which the session acted, as bits. */
  hours: field(2),
  /** Times that its credential came back to a place from another one. */
  returns: field(),
  /** Bytes handed on, as a float. */
  egress: field(),
  /** Events that reached the levels of calibration.ts, by detector. */
  levels: field(CALIBRATED_MAX),
  /** Keys of versions (tool-usage/version.ts), each once. */
  versions: field(),
  version: field(TRACE_VERSIONS),
} as const;
/** Bit of `known`: an event of the session declared a peer group. */
export const DECLARED = 8;
export const TRACE_DISTINCT_WORDS = DISTINCT;
const HEAD = next;
/** The header ended here before layouts 3 and 4. */
const HEAD_BEFORE_3 = TRACE.accesses;
const HEAD_BEFORE_4 = TRACE.egress;

/** Words of a record before its resources. */
const RECORD = 7;

export class Trace implements SessionTrace {
  u32: Uint32Array;
  f32: Float32Array;

  constructor(words?: Uint32Array) {
    this.u32 = words ?? new Uint32Array(FIRST_CAPACITY);
    this.f32 = new Float32Array(this.u32.buffer);
    if (words === undefined) this.u32[TRACE.length] = HEAD;
  }

  get bits_max(): number {
    return this.f32[TRACE.bits] as number;
  }

  get events(): number {
    return this.u32[TRACE.events] as number;
  }

  get(at: number): number {
    return this.u32[at] as number;
  }

  hasToken(token: number): boolean {
    const count = this.u32[TRACE.tokens] as number;
    for (let i = 0; i < count; i++) if (this.u32[TRACE.token + i] === token) return true;
    return false;
  }

  addToken(token: number, tool: number): void {
    const count = this.u32[TRACE.tokens] as number;
    if (count === TOKENS_MAX || this.hasToken(token)) return;
    this.u32[TRACE.token + count] = token;
    this.u32[TRACE.token_tool + count] = tool;
    this.u32[TRACE.tokens] = count + 1;
  }

  /** Whether one of the last distinct calls was the same. */
  hasSignature(signature: number): boolean {
    const count = Math.min(this.u32[TRACE.signatures] as number, SIGNATURES);
    for (let i = 0; i < count; i++) if (this.u32[TRACE.signature + i] === signature) return true;
    return false;
  }

  addSignature(signature: number): void {
    if (this.hasSignature(signature)) return;
    const count = this.u32[TRACE.signatures] as number;
    this.u32[TRACE.signature + (count % SIGNATURES)] = signature;
    this.u32[TRACE.signatures] = count + 1;
  }

  /** Whether the session had not had it before; of more than it can remember, none is told. */
  addAccess(key: number): boolean {
    const words = this.u32;
    const count = words[TRACE.accesses] as number;
    for (let i = 0; i < count; i++) if (words[TRACE.access + i] === key) return false;
    if (count === ACCESSES) return false;
    words[TRACE.access + count] = key;
    words[TRACE.accesses] = count + 1;
    return true;
  }

  /** Appends an event for later learning; beyond the limit the session goes on unrecorded. */
  record(f: Features): void {
    if ((this.u32[TRACE.recorded] as number) >= LIMITS.session_events_max) return;
    const at = this.u32[TRACE.length] as number;
    this.#reserve(at + RECORD + f.resources);
    const words = this.u32;
    words[at] = f.tool;
    words[at + 1] = f.server;
    words[at + 2] = f.store;
    words[at + 3] = f.classification;
    words[at + 4] = f.operation | (f.outcome << 4) | ((f.level + 1) << 6) | (f.resources << 9);
    words[at + 5] = quantise(f.octaves[0] as number) | (quantise(f.octaves[1] as number) << 16);
    words[at + 6] = quantise(f.octaves[2] as number);
    for (let i = 0; i < f.resources; i++) words[at + RECORD + i] = f.resource[i] as number;
    words[TRACE.length] = at + RECORD + f.resources;
    words[TRACE.recorded] = (words[TRACE.recorded] as number) + 1;
  }

  #reserve(length: number): void {
    if (length <= this.u32.length) return;
    const grown = new Uint32Array(Math.max(length, this.u32.length * 2));
    grown.set(this.u32);
    this.u32 = grown;
    this.f32 = new Float32Array(grown.buffer);
  }

  encode(): Uint8Array {
    const length = this.u32[TRACE.length] as number;
    return new Uint8Array(this.u32.slice(0, length).buffer);
  }

  /**
   * `layout` is the one that the identity's words were stored with.
   * @throws RangeError when the bytes are no session.
   */
  static decode(bytes: Uint8Array, layout = LAYOUT_VERSION): Trace {
    const head = layout < 3 ? HEAD_BEFORE_3 : layout < 4 ? HEAD_BEFORE_4 : HEAD;
    if (bytes.length % 4 !== 0 || bytes.length < head * 4) throw new RangeError(`no session: ${bytes.length} bytes`);
    const copy = new Uint8Array(bytes);
    const words = new Uint32Array(copy.buffer);
    if (words[TRACE.length] !== words.length) throw new RangeError('no session: length does not match');
    return new Trace(head === HEAD ? words : withLongerHead(words, head));
  }
}

function withLongerHead(words: Uint32Array, head: number): Uint32Array {
  const longer = new Uint32Array(words.length + HEAD - head);
  longer.set(words.subarray(0, head));
  longer.set(words.subarray(head), HEAD);
  longer[TRACE.length] = longer.length;
  return longer;
}

function quantise(octaves: number): number {
  return octaves < 0 ? 0 : 1 + Math.round(octaves * SIZE_STEPS);
}

/** A recorded event, read back for learning. */
export class RecordView {
  tool = 0;
  server = 0;
  store = 0;
  classification = 0;
  operation = 0;
  outcome = 0;
  level = -1;
  resources = 0;
  /** log2(1 + x) in steps of 1/SIZE_STEPS, plus 1; 0 is unknown. */
  readonly quantised = new Uint32Array(3);
  /** Where the resource hashes stand in the trace. */
  at = 0;

  /** Reads the record at `at` and returns where the next one starts. */
  read(words: Uint32Array, at: number): number {
    const packed = words[at + 4] as number;
    this.tool = words[at] as number;
    this.server = words[at + 1] as number;
    this.store = words[at + 2] as number;
    this.classification = words[at + 3] as number;
    this.operation = packed & 15;
    this.outcome = (packed >>> 4) & 3;
    this.level = ((packed >>> 6) & 7) - 1;
    this.resources = packed >>> 9;
    this.quantised[0] = (words[at + 5] as number) & 0xffff;
    this.quantised[1] = (words[at + 5] as number) >>> 16;
    this.quantised[2] = (words[at + 6] as number) & 0xffff;
    this.at = at + RECORD;
    return this.at + this.resources;
  }
}

export const RECORDS_AT = HEAD;
