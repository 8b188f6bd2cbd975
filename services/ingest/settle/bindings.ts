import type { Settled } from '../../../schemas/span.ts';
import { Fifo } from './fifo.ts';

/** What a link said of itself. `time` is the clock at which it came. */
type Lesson = { readonly settled: Settled; readonly trace: string; readonly time: number };
type Binding = { readonly key: string; readonly lessons: Lesson[]; token: Token | undefined };
/** Place of a binding in the order of teaching. */
type Token = { readonly binding: Binding; gone: boolean };

export type BindingRule = {
  /** Links looked back at. */
  readonly links: number;
  /** How many of them must be there, and from how many traces. */
  readonly links_min: number;
  readonly traces_min: number;
  /** Names remembered; the one that was taught longest ago is forgotten first. */
  readonly names_max: number;
  readonly memory_ms: number;
};

/**
 * Whose a conversation or a service instance is, by what its links said of themselves. Nothing that was inferred teaches,
 * so what is known follows from the records of the last `memory_ms` alone, whatever was decided.
 */
export class Bindings {
  readonly #rule: BindingRule;
  readonly #known = new Map<string, Binding>();
  readonly #order = new Fifo<Token>(({ gone }) => gone);

  constructor(rule: BindingRule) {
    this.#rule = rule;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Returns how many others were forgotten for it: 0 or 1. */
  teach(key: string, lesson: Lesson): number {
    let binding = this.#known.get(key);
    if (binding === undefined) {
      binding = { key, lessons: [], token: undefined };
      this.#known.set(key, binding);
    } else if (binding.token !== undefined) this.#leave(binding.token);
    binding.lessons.push(lesson);
    if (binding.lessons.length > this.#rule.links) binding.lessons.shift();
    binding.token = { binding, gone: false };
    this.#order.push(binding.token);
    if (this.#known.size <= this.#rule.names_max) return 0;
    this.#forgetFirst();
    return 1;
  }

  /** The newest of the last links, when all of them name one identity. `now` is how far time has passed. */
  whose(key: string, now: number): Settled | undefined {
    const lessons = this.#known.get(key)?.lessons ?? [];
    const alive = lessons.filter(({ time }) => time >= now - this.#rule.memory_ms);
    const last = alive.at(-1);
    if (last === undefined || alive.length < this.#rule.links_min) return undefined;
    if (alive.some(({ settled }) => settled.identity.id !== last.settled.identity.id)) return undefined;
    return new Set(alive.map(({ trace }) => trace)).size < this.#rule.traces_min ? undefined : last.settled;
  }

  /** Forgets what is too old to count. */
  pass(now: number): void {
    for (let token = this.#order.first(); token !== undefined; token = this.#order.first()) {
      const newest = token.binding.lessons.at(-1);
      if (newest !== undefined && newest.time >= now - this.#rule.memory_ms) return;
      this.#forgetFirst();
    }
  }

  #leave(token: Token): void {
    token.gone = true;
    this.#order.left();
  }

  #forgetFirst(): void {
    const token = this.#order.first();
    if (token === undefined) return;
    this.#leave(token);
    this.#known.delete(token.binding.key);
  }
}
