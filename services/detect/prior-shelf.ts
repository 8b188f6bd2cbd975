import type { Model, Prior } from '../../detectors/contract.ts';

/** The prior in use, and those that were fetched because a record ahead adopts them. */
export class PriorShelf {
  readonly #model: Model;
  readonly #opened = new Map<string, Prior>();
  readonly #without = new Set<string>();
  #current: Prior;

  constructor(model: Model) {
    this.#model = model;
    this.#current = model.emptyPrior();
  }

  get current(): Prior {
    return this.#current;
  }

  has(version: string): boolean {
    return this.#opened.has(version) || this.#without.has(version);
  }

  add(version: string, bytes: Uint8Array): void {
    this.#opened.set(version, this.#model.openPrior(bytes, version));
  }

  /** The one in use stays when this one is adopted. */
  goWithout(version: string): void {
    this.#without.add(version);
  }

  /** Takes up a prior whose bytes were added; the one before it is let go. */
  adopt(version: string): void {
    if (this.#without.has(version)) return;
    const prior = this.#opened.get(version);
    if (prior === undefined) throw new Error(`prior ${version} was not added before it was adopted`);
    if (this.#current.version !== version) this.#opened.delete(this.#current.version);
    this.#current = prior;
  }
}
