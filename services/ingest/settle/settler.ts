import type { Completion, HeldEvent, Settled, SpanLink, Waiting as Told } from '../../../schemas/span.ts';
import type { KeyedEvent } from '../key.ts';
import { type Alias, addAlias } from './alias.ts';
import { Bindings } from './bindings.ts';
import { keyAsItIs, keyCompleted, keySettled, type Way } from './fill.ts';
import { createPool } from './pool.ts';
import type { SettleRule } from './rule.ts';
import { ANSWER, type Answer, roomOf, type Trace, Traces, type Walk } from './traces.ts';
import type { BindingKeys, Waiter } from './waiter.ts';
import { Waiting } from './waiting.ts';

type Known = { readonly settled: Settled; readonly way: Way };
type Came = { readonly at: number; readonly bytes: number };
export type Eviction = 'links_trace' | 'links_partition' | 'waiting_trace' | 'waiting_partition' | 'bindings';

/** A held event that waits no more. `at` is the clock at which it was settled, epoch milliseconds. */
export type SettledEvent = KeyedEvent & { readonly held: HeldEvent; readonly way: Way; readonly at: number };

/** What settling leads to. */
export type SettleSink = {
  event(settled: SettledEvent): void;
  alias(alias: Alias, at: number): void;
  /** Something was forgotten before its time, because there was too much of it. */
  evicted(what: Eviction): void;
  /** A span id came again with another parent or identity; the first one counts. */
  reused(): void;
};

/**
 * Two clocks, epoch milliseconds, neither of which goes back. `come`: the latest that came. `passed`: how far time has
 * passed, which is never ahead of it. Live they are one; of a recording that is read from several places at once, one
 * place may be far ahead, and what has passed is what all places are beyond.
 */
export type SettleClock = { readonly come: number; readonly passed: number };

/**
 * Whose the held events of one stream are (design, section 4): by a known binding, else by the nearest ancestor that says
 * so, within a bound; and how held calls ended, by their answers. Pure: what it decides follows from the order of the
 * records and their clocks, and from nothing older than twice the memory: what is remembered depends on the records of the
 * memory before, and what became of an event that is remembered on those of the memory before that.
 */
export class Settler {
  readonly #rule: SettleRule;
  readonly #sink: SettleSink;
  readonly #traces: Traces;
  readonly #conversations: Bindings;
  readonly #instances: Bindings;
  readonly #waiting: Waiting;
  readonly #pool = createPool(POOL_MAX);
  #come: number;
  #passed: number;

  constructor(rule: SettleRule, sink: SettleSink, from: SettleClock = { come: 0, passed: 0 }) {
    this.#rule = rule;
    this.#sink = sink;
    this.#come = from.come;
    this.#passed = from.passed;
    this.#traces = new Traces(rule, (what) => sink.evicted(what));
    this.#waiting = new Waiting(this.#traces);
    const { memory_ms, bindings_max: names_max, binding_links: links } = rule;
    this.#conversations = new Bindings({ links, links_min: 1, traces_min: 1, names_max, memory_ms });
    const traces_min = rule.binding_traces_min;
    this.#instances = new Bindings({ links, links_min: links, traces_min, names_max, memory_ms });
  }

  get clock(): SettleClock {
    return { come: this.#come, passed: this.#passed };
  }

  get size(): { readonly links: number; readonly traces: number; readonly waiting: number; readonly bindings: number } {
    const bindings = this.#conversations.size + this.#instances.size;
    return { links: this.#traces.size, traces: this.#traces.traces, waiting: this.#waiting.size, bindings };
  }

  /** Lets time pass: releases what has waited for too long, and forgets what is too old. */
  pass(to: number): void {
    if (to <= this.#passed) return;
    const before = this.#passed;
    this.#passed = to;
    if (to > this.#come) this.#come = to;
    let waiter = this.#waiting.firstWaiting();
    while (waiter !== undefined && waiter.time < to - this.#rule.bound_ms) {
      this.#giveUp(waiter, Math.max(before, Math.min(to, waiter.at + this.#rule.bound_ms)));
      waiter = this.#waiting.firstWaiting();
    }
    let oldest = this.#waiting.firstRemembered();
    while (oldest !== undefined && oldest.time < to - this.#rule.memory_ms) {
      this.#waiting.leave(oldest);
      oldest = this.#waiting.firstRemembered();
    }
    this.#traces.pass(to);
    this.#conversations.pass(to);
    this.#instances.pass(to);
  }

  /** Takes in a record of so many bytes whose own clock is `at`. */
  put(record: Told, at: number, bytes: number): void {
    // What is older than the time that has passed comes now.
    const came = { at: Math.max(at, this.#passed), bytes };
    if (came.at > this.#come) this.#come = came.at;
    const { link } = record;
    const trace = this.#traces.at(`${record.tenant}\u0000${link.kind === 'span' ? link.trace_id : link.call}`);
    if (link.kind === 'span') this.#putSpan(record, link, trace, came);
    else if (link.side === 'response') this.#putAnswer(record, trace, came.at);
    else this.#putCall(record, trace, came);
    this.#traces.release(trace);
  }

  /** No more will come: releases all that waits. */
  end(): void {
    for (let waiter = this.#waiting.firstWaiting(); waiter !== undefined; waiter = this.#waiting.firstWaiting()) {
      this.#giveUp(waiter, this.#come);
    }
  }

  // --- spans ----------------------------------------------------------------------------------------------------

  #putSpan(record: Told, link: SpanLink, trace: Trace, { at, bytes }: Came): void {
    const settled = record.settled === undefined ? undefined : this.#pool(record.settled);
    const keys = bindingKeys(record.tenant, link);
    if (settled !== undefined) this.#teach(keys, { settled, trace: link.trace_id, time: this.#come });
    if (!this.#traces.addSpan(trace, link, settled, this.#come)) this.#sink.reused();
    this.#wake(trace, link.span_id, at);
    if (record.event === undefined || record.awaits === undefined) return;
    const known = this.#byBinding(keys);
    const walk = known === undefined ? this.#traces.walk(trace, link.parent_span_id, 0) : undefined;
    if (known !== undefined) this.#settle(record.event, known, at);
    else if (walk?.kind === 'found') this.#settle(record.event, { settled: walk.settled, way: 'ancestor' }, at);
    else if (walk?.kind === 'missing') {
      this.#wait(record, trace, { at, bytes, bindings: keys, parked: walk.name, hops: walk.hops });
    } else this.#sink.event({ ...keyAsItIs(record.event), held: record.event, way: 'unresolved', at });
  }

  #teach({ conversation, instance }: BindingKeys, lesson: Parameters<Bindings['teach']>[1]): void {
    if (conversation !== undefined && this.#conversations.teach(conversation, lesson)) this.#sink.evicted('bindings');
    if (instance !== undefined && this.#instances.teach(instance, lesson)) this.#sink.evicted('bindings');
  }

  #byBinding({ conversation, instance }: BindingKeys): Known | undefined {
    const by = (known: Bindings, key: string | undefined): Settled | undefined =>
      key === undefined ? undefined : known.whose(key, this.#passed);
    const spoken = by(this.#conversations, conversation);
    if (spoken !== undefined) return { settled: spoken, way: 'binding_conversation' };
    const run = by(this.#instances, instance);
    return run === undefined ? undefined : { settled: run, way: 'binding_instance' };
  }

  /** A link has come for which some may wait: on with them, as far as it leads. */
  #wake(trace: Trace, name: string, at: number): void {
    const parked = trace.room?.parked.get(name);
    if (parked === undefined) return;
    trace.room?.parked.delete(name);
    const aliases = new Map<string, Alias>();
    // All of them stand before the same link, at most so many hops behind them: those walk together.
    const walks = new Map<number, Walk>();
    for (const waiter of parked) {
      let walk = walks.get(waiter.hops);
      if (walk === undefined) {
        walk = this.#traces.walk(trace, name, waiter.hops);
        walks.set(waiter.hops, walk);
      }
      this.#goOn(waiter, walk, at, aliases);
    }
    for (const alias of aliases.values()) this.#sink.alias(alias, at);
  }

  #goOn(waiter: Waiter, walk: Walk, at: number, aliases: Map<string, Alias>): void {
    if (walk.kind === 'missing') {
      this.#waiting.park(waiter, walk.name, walk.hops);
      return;
    }
    const { event } = waiter;
    const inTime = at <= waiter.at + this.#rule.bound_ms;
    if (walk.kind === 'found' && event !== undefined && inTime) {
      this.#settle(event, { settled: walk.settled, way: 'ancestor' }, Math.max(at, waiter.at));
    } else {
      if (event !== undefined) this.#release(waiter, event, at);
      if (walk.kind === 'found') addAlias(aliases, waiter, walk.settled, this.#rule.alias_events_max);
    }
    this.#waiting.forget(waiter);
  }

  // --- calls ----------------------------------------------------------------------------------------------------

  /** An answer ends every call that was made before it and still waits. It stays known: what asks again gets the same. */
  #putAnswer({ completion, time }: Told, trace: Trace, at: number): void {
    if (completion === undefined) return;
    const answer: Answer = { completion, event_time: time, at };
    this.#traces.addAnswer(trace, answer, this.#come);
    const parked = [...(trace.room?.parked.get(ANSWER) ?? [])];
    for (const waiter of parked) {
      const { event } = waiter;
      if (event === undefined || event.content.time > time || at > waiter.at + this.#rule.bound_ms) continue;
      this.#complete(event, completion, Math.max(at, waiter.at));
      this.#waiting.leave(waiter);
    }
  }

  #putCall(record: Told, trace: Trace, { at, bytes }: Came): void {
    const { event } = record;
    if (event === undefined) return;
    const answer = this.#traces.answerTo(trace, event.content.time);
    if (answer === undefined) this.#wait(record, trace, { at, bytes, bindings: undefined, parked: ANSWER, hops: 0 });
    else this.#complete(event, answer.completion, Math.max(at, answer.at));
  }

  // --- waiting --------------------------------------------------------------------------------------------------

  #wait(record: Told, trace: Trace, where: Pick<Waiter, 'at' | 'bytes' | 'bindings' | 'parked' | 'hops'>): void {
    const { event, awaits, tenant } = record;
    if (event === undefined || awaits === undefined) return;
    const identity = event.content.identity.id;
    const waiter: Waiter = {
      trace,
      awaits,
      time: this.#come,
      event,
      key: '',
      tenant,
      identity,
      state: 'waiting',
      ...where,
    };
    this.#waiting.add(waiter);
    const { waiters } = roomOf(trace);
    while (this.#waiting.bytes > this.#rule.waiting_bytes_max) {
      this.#crowdOut(this.#waiting.firstWaiting(), 'waiting_partition');
    }
    if (waiters.size > this.#rule.waiting_per_trace_max) this.#crowdOut(waiters.first(), 'waiting_trace');
    if (this.#waiting.remembered > this.#rule.waiting_max) {
      this.#crowdOut(this.#waiting.firstRemembered(), 'waiting_partition');
    }
  }

  #crowdOut(waiter: Waiter | undefined, why: Eviction): void {
    if (waiter === undefined) return;
    if (waiter.event !== undefined) {
      this.#release(waiter, waiter.event, this.#passed);
      this.#sink.evicted(why);
    }
    this.#waiting.leave(waiter);
  }

  /** Time is over. What a binding has come to know meanwhile counts, else it goes as it is. */
  #giveUp(waiter: Waiter, at: number): void {
    const { event, bindings, awaits } = waiter;
    if (event === undefined) return;
    const known = bindings === undefined ? undefined : this.#byBinding(bindings);
    if (known === undefined) {
      this.#release(waiter, event, at);
      if (awaits === 'response') this.#waiting.leave(waiter);
      return;
    }
    this.#settle(event, known, at);
    this.#waiting.leave(waiter);
  }

  /** Accepts it as it is, and remembers which it was. */
  #release(waiter: Waiter, event: HeldEvent, at: number): void {
    const keyed = keyAsItIs(event);
    this.#waiting.release(waiter, event, keyed.event.key);
    const way = waiter.awaits === 'identity' ? 'unresolved' : 'no_response';
    this.#sink.event({ ...keyed, held: event, way, at: Math.max(at, waiter.at) });
  }

  #settle(held: HeldEvent, { settled, way }: Known, at: number): void {
    this.#sink.event({ ...keySettled(held, settled, way), held, way, at });
  }

  #complete(held: HeldEvent, completion: Completion, at: number): void {
    this.#sink.event({ ...keyCompleted(held, completion), held, way: 'response', at });
  }
}

/** Agents' sessions that are under way in one partition. */
const POOL_MAX = 4_096;

function bindingKeys(tenant: string, { workload, conversation, instance }: SpanLink): BindingKeys {
  const key = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : `${tenant}\u0000${workload}\u0000${name}`;
  return { conversation: key(conversation), instance: key(instance) };
}
