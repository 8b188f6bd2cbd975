import type { Manifest, StateBlob } from '../../schemas/outputs.ts';

/** Blobs of one partition that are written together. */
export type Piece = { readonly manifest: Manifest; readonly blobs: readonly StateBlob[] };

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

const bytesOf = ({ blobs }: Piece): number => blobs.reduce((sum, { bytes }) => sum + bytes.length, 0);
