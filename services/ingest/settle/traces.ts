import type { Completion, Settled, SpanLink } from '../../../schemas/span.ts';
import { Fifo } from './fifo.ts';
import type { Waiter } from './waiter.ts';

/** One span, or one answer to a call, as it came. `time` is the clock at which it came. */
export type LinkEntry = {
  readonly trace: Trace;
  /** Span id; of answers always the same. */
  readonly name: string;
  readonly parent: string | undefined;
  readonly settled: Settled | undefined;
  readonly answer: Answer | undefined;
  readonly time: number;
  /** The next one of the same name, and, valid in the first of them, the last. */
  again: LinkEntry | undefined;
  newest: LinkEntry | undefined;
  /** The next one of the trace. */
  later: LinkEntry | undefined;
  gone: boolean;
};

export type Answer = { readonly completion: Completion; readonly event_time: number; readonly at: number };

/** Links and waiting events of one trace, or of one call. */
export type Trace = {
  readonly key: string;
  /** The oldest link of each name. */
  readonly links: Map<string, LinkEntry>;
  /** All its links in the order in which they came; the first is always the one that leaves. */
  first: LinkEntry | undefined;
  last: LinkEntry | undefined;
  size: number;
  /** What waits in it; undefined until something does. */
  room: Room | undefined;
};

type Room = {
  /** By the name of the link that they wait for. */
  readonly parked: Map<string, Set<Waiter>>;
  readonly waiters: Fifo<Waiter>;
};

export type TracesRule = {
  readonly links_max: number;
  readonly links_per_trace_max: number;
  readonly hops_max: number;
  readonly memory_ms: number;
};

export type Forgotten = 'links_trace' | 'links_partition';

/** How far a walk towards the root came: to one that says whose it is, to a link that is not there, or to no end. */
export type Walk =
  | { readonly kind: 'found'; readonly settled: Settled }
  | { readonly kind: 'missing'; readonly name: string; readonly hops: number }
  | { readonly kind: 'nobody' };

export const ANSWER = '';

/**
 * The links of all traces. Each is remembered by itself, repeated ones too: of one name the oldest that is still remembered
 * counts, so what is known follows from the links of the last `memory_ms` alone, whatever came before.
 */
export class Traces {
  readonly #rule: TracesRule;
  readonly #forgotten: (what: Forgotten) => void;
  readonly #traces = new Map<string, Trace>();
  readonly #order = new Fifo<LinkEntry>(isGone);

  constructor(rule: TracesRule, forgotten: (what: Forgotten) => void) {
    this.#rule = rule;
    this.#forgotten = forgotten;
  }

  /** Links remembered. */
  get size(): number {
    return this.#order.size;
  }

  get traces(): number {
    return this.#traces.size;
  }

  at(key: string): Trace {
    const found = this.#traces.get(key);
    if (found !== undefined) return found;
    const trace: Trace = {
      key,
      links: new Map(),
      first: undefined,
      last: undefined,
      size: 0,
      room: undefined,
    };
    this.#traces.set(key, trace);
    return trace;
  }

  /** Lets go of a trace of which nothing is left. */
  release(trace: Trace): void {
    if (trace.size === 0 && (trace.room === undefined || trace.room.waiters.size === 0)) this.#traces.delete(trace.key);
  }

  /** False when an older one of the same name says something else: that one counts. */
  addSpan(trace: Trace, link: SpanLink, settled: Settled | undefined, time: number): boolean {
    const first = trace.links.get(link.span_id);
    this.#add({ ...bare(trace, link.span_id, time), parent: link.parent_span_id, settled });
    if (first === undefined) return true;
    return first.parent === link.parent_span_id && first.settled?.identity.id === settled?.identity.id;
  }

  addAnswer(trace: Trace, answer: Answer, time: number): void {
    this.#add({ ...bare(trace, ANSWER, time), answer });
  }

  /** From the link of that name towards the root, `hops` links behind already. */
  walk(trace: Trace, from: string | undefined, hops: number): Walk {
    let name = from;
    for (let gone = hops; name !== undefined && gone < this.#rule.hops_max; gone++) {
      const link = trace.links.get(name);
      if (link === undefined) return { kind: 'missing', name, hops: gone };
      if (link.settled !== undefined) return { kind: 'found', settled: link.settled };
      name = link.parent;
    }
    return { kind: 'nobody' };
  }

  /** The first answer that was not given before the call was made; of many answers only the oldest are looked at. */
  answerTo(trace: Trace, event_time: number): Answer | undefined {
    let link = trace.links.get(ANSWER);
    for (let seen = 0; link !== undefined && seen < this.#rule.hops_max; seen++) {
      if (link.answer !== undefined && link.answer.event_time >= event_time) return link.answer;
      link = link.again;
    }
    return undefined;
  }

  /** Forgets what is too old to count. */
  pass(now: number): void {
    let oldest = this.#order.first();
    while (oldest !== undefined && oldest.time < now - this.#rule.memory_ms) {
      this.#forget(oldest);
      oldest = this.#order.first();
    }
  }

  #add(link: LinkEntry): void {
    const { trace, name } = link;
    const first = trace.links.get(name);
    if (first === undefined) {
      link.newest = link;
      trace.links.set(name, link);
    } else {
      (first.newest ?? first).again = link;
      first.newest = link;
    }
    if (trace.last === undefined) trace.first = link;
    else trace.last.later = link;
    trace.last = link;
    trace.size++;
    this.#order.push(link);
    if (trace.size > this.#rule.links_per_trace_max) this.#evict(trace.first, 'links_trace');
    if (this.#order.size > this.#rule.links_max) this.#evict(this.#order.first(), 'links_partition');
  }

  #evict(link: LinkEntry | undefined, why: Forgotten): void {
    if (link === undefined) return;
    this.#forget(link);
    this.#forgotten(why);
  }

  /** Always the oldest of its trace, so the oldest of its name as well. */
  #forget(link: LinkEntry): void {
    const { trace, name, again } = link;
    if (again === undefined) trace.links.delete(name);
    else {
      again.newest = link.newest;
      trace.links.set(name, again);
    }
    link.gone = true;
    trace.first = link.later;
    if (trace.first === undefined) trace.last = undefined;
    trace.size--;
    this.#order.left();
    this.release(trace);
  }
}

/** What waits in a trace. */
export function roomOf(trace: Trace): Room {
  trace.room ??= { parked: new Map(), waiters: new Fifo<Waiter>(({ state }) => state === 'gone') };
  return trace.room;
}

const isGone = ({ gone }: LinkEntry): boolean => gone;

function bare(trace: Trace, name: string, time: number): LinkEntry {
  return {
    trace,
    name,
    parent: undefined,
    settled: undefined,
    answer: undefined,
    time,
    again: undefined,
    newest: undefined,
    later: undefined,
    gone: false,
  };
}
