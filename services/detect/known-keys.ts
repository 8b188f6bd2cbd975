import { crc32 } from 'node:zlib';
import { LIMITS } from '../../schemas/limits.ts';

const EMPTY = 0;
const PROBES_MAX = 64;

/**
 * Which identities the store may hold blobs of, so that a new one costs no look-up: in a population that keeps bringing
 * forth new ones, that is a pause with every batch. It holds fingerprints, so now and then a key that is new is looked up
 * all the same; a key that has a blob always is.
 *
 * What another process writes after the fingerprints were read is not among them, and need not be: whoever has no blob
 * when the manifest is read has no record before it, and is built from the records behind it, as in every run. That holds
 * for identities only. A group has many teachers, and one that is known and ahead will not teach it again, so groups are
 * always looked up.
 */
export class KnownKeys {
  #slots: Uint32Array;
  #size = 0;
  /** Too many to hold, or laid out by somebody to be slow: every key may be there. */
  #all = false;

  /** `fingerprints`: of all keys in the store; undefined when there are more than are held. */
  constructor(fingerprints: Uint32Array | undefined) {
    this.#slots = new Uint32Array(1024);
    if (fingerprints === undefined) this.#giveUp();
    else for (const fingerprint of fingerprints) this.#put(fingerprint);
  }

  mayHold(key: string): boolean {
    return this.#all || this.#slots[this.#slotOf(crc32(key))] !== EMPTY;
  }

  /** From now on the store may hold it. */
  add(key: string): void {
    this.#put(crc32(key));
  }

  #put(fingerprint: number): void {
    if (this.#all) return;
    const slot = this.#slotOf(fingerprint);
    if (this.#all || this.#slots[slot] !== EMPTY) return;
    this.#slots[slot] = fingerprint === EMPTY ? 1 : fingerprint;
    this.#size += 1;
    if (this.#size > LIMITS.known_identities_max) this.#giveUp();
    else if (this.#size * 2 > this.#slots.length) this.#grow();
  }

  /** Where the fingerprint stands, or may be put. */
  #slotOf(fingerprint: number): number {
    const sought = fingerprint === EMPTY ? 1 : fingerprint;
    const mask = this.#slots.length - 1;
    let slot = sought & mask;
    for (let probes = 0; ; slot = (slot + 1) & mask, probes++) {
      const found = this.#slots[slot];
      if (found === EMPTY || found === sought) return slot;
      if (probes < PROBES_MAX) continue;
      this.#giveUp();
      return 0;
    }
  }

  #grow(): void {
    const held = this.#slots.filter((fingerprint) => fingerprint !== EMPTY);
    this.#slots = new Uint32Array(2 * this.#slots.length);
    this.#size = 0;
    for (const fingerprint of held) this.#put(fingerprint);
  }

  #giveUp(): void {
    this.#all = true;
    this.#slots = new Uint32Array([1]);
  }
}
