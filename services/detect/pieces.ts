import { LIMITS } from '../../schemas/limits.ts';
import type { Manifest, StateBlob } from '../../schemas/outputs.ts';
import type { PlacedBlob } from '../platform/store.ts';

/** State on its way to the store, and the log clock of its partition as of the checkpoint. */
export type WaitingBlob = PlacedBlob & { readonly log_ms: number };

/** Blobs that are written together, of whatever partitions. */
export type Piece = readonly WaitingBlob[];

export function waitingBlob(blob: StateBlob, manifest: Manifest): WaitingBlob {
  const { topic, partition, watermark_live, watermark_recorded } = manifest;
  return { topic, partition, blob, log_ms: Math.max(watermark_live, watermark_recorded) };
}

/**
 * Passes the blobs of checkpoints from who encodes them to who writes them, in order. Whoever puts more than there is
 * room for waits until something was taken, so however much state has changed, little of it is in memory twice.
 */
export class Pieces implements AsyncIterable<Piece> {
  readonly #most: number;
  readonly #waiting: Piece[] = [];
  #bytes = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  /** `most`: bytes that may wait. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves once there is room for more, or nobody takes any more. */
  async put(piece: Piece): Promise<void> {
    if (this.#ended) return;
    this.#waiting.push(piece);
    this.#bytes += bytesOf(piece);
    this.#wake();
    while (this.#bytes >= this.#most && !this.#ended) await this.#change();
  }

  /** There is nothing to come, or nobody to take it. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Piece> {
    for (;;) {
      const piece = this.#waiting.shift();
      if (piece !== undefined) {
        this.#bytes -= bytesOf(piece);
        this.#wake();
        yield piece;
      } else if (this.#ended) return;
      else await this.#change();
    }
  }

  /** One puts and one takes, and never do both wait: a full one is taken from, an empty one is put into. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

const bytesOf = (piece: Piece): number => piece.reduce((sum, { blob }) => sum + blob.bytes.length, 0);

/** Gathers blobs, of one partition after the other, until they are enough for a piece: small inserts cost a store most. */
export class Packing {
  readonly #to: Pieces;
  #piece: WaitingBlob[] = [];
  #bytes = 0;

  constructor(to: Pieces) {
    this.#to = to;
  }

  async put(blobs: readonly WaitingBlob[]): Promise<void> {
    for (const waiting of blobs) {
      this.#piece.push(waiting);
      this.#bytes += waiting.blob.bytes.length;
    }
    const full = this.#piece.length >= LIMITS.checkpoint_piece_blobs || this.#bytes >= LIMITS.checkpoint_piece_bytes;
    if (full) await this.flush();
  }

  /** Passes on what was gathered. */
  async flush(): Promise<void> {
    const piece = this.#piece;
    this.#piece = [];
    this.#bytes = 0;
    if (piece.length > 0) await this.#to.put(piece);
  }
}
