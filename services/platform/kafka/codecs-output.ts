/** A compressed batch that cannot be unpacked: it is damaged, or becomes larger than allowed. */
export class UnpackError extends Error {
  override readonly name = 'UnpackError';
  readonly reason: 'too_large' | 'damaged';

  constructor(reason: UnpackError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Bytes that are written one after the other, with copies of what was written before. */
export type Output = {
  /** Appends bytes `from` to `to` of the source. */
  literal(source: Buffer, from: number, to: number): void;
  /** Appends `length` bytes that begin `distance` before the end; where they reach beyond it, the pattern repeats. */
  repeat(distance: number, length: number): void;
  readonly length: number;
  bytes(): Buffer;
};

/** Grows from `guess` bytes up to `most`. Its methods throw UnpackError. */
export function createOutput(guess: number, most: number): Output {
  let buffer = Buffer.allocUnsafeSlow(Math.min(Math.max(guess, 1), most));
  let length = 0;
  const makeRoom = (more: number): void => {
    const needed = length + more;
    if (needed <= buffer.length) return;
    if (needed > most) throw new UnpackError('too_large', `the batch unpacks to more than ${most} bytes`);
    const grown = Buffer.allocUnsafeSlow(Math.min(most, Math.max(needed, 2 * buffer.length)));
    buffer.copy(grown, 0, 0, length);
    buffer = grown;
  };
  return {
    literal: (source, from, to) => {
      if (to > source.length) throw new UnpackError('damaged', 'the batch ends early');
      makeRoom(to - from);
      if (to - from > SHORT_BYTES) source.copy(buffer, length, from, to);
      else for (let i = from, o = length; i < to; i++, o++) buffer[o] = source[i] as number;
      length += to - from;
    },
    repeat: (distance, count) => {
      if (distance === 0 || distance > length) throw new UnpackError('damaged', 'the batch repeats what it has not');
      makeRoom(count);
      const from = length - distance;
      if (distance >= count && count > SHORT_BYTES) buffer.copyWithin(length, from, from + count);
      else for (let i = 0; i < count; i++) buffer[length + i] = buffer[from + i] as number;
      length += count;
    },
    get length() {
      return length;
    },
    bytes: () => buffer.subarray(0, length),
  };
}

/** Below it a loop is faster than a call. */
const SHORT_BYTES = 24;
