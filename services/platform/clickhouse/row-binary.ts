/**
 * ClickHouse's RowBinary format (https://clickhouse.com/docs/interfaces/formats/RowBinary): rows as plain little-endian
 * values without separators, strings and arrays led by a LEB128 length, nullable values by a byte. The cheapest thing
 * ClickHouse can be given row by row: no text is made here and none is parsed there.
 */

const START_BYTES = 1 << 16;
/** Shorter strings are copied by a loop: for them a call into the runtime costs more than the copy. */
const LOOP_CHARS_MAX = 40;
const TWO_32 = 2 ** 32;
/** Value of a hex digit by its character code; 255 for everything else. */
const NIBBLES = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  NIBBLES[digit.toString(16).charCodeAt(0)] = digit;
  NIBBLES[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

function inRange(value: number, most: number, type: string): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= most)) throw new RangeError(`${value} is no ${type}`);
}

function finite(value: number, type: string): void {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no finite ${type}`);
}

/**
 * Appends values to one growing buffer, which `reset` makes free for the next batch. A value that its type cannot hold
 * throws RangeError: wrapped silently it would be a wrong row.
 */
export class RowBinaryWriter {
  #buffer = Buffer.allocUnsafeSlow(START_BYTES);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  /** Bytes written since the last reset. */
  get length(): number {
    return this.#at;
  }

  /** Bytes the buffer holds before it must grow. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** What was written, without a copy: valid until the next write or reset. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  /** Everything is written into this buffer; when it grows it is replaced, and what it held stays in it. */
  get buffer(): Buffer {
    return this.#buffer;
  }

  reset(): void {
    this.#at = 0;
  }

  /** Takes back what was written beyond `length`: a row that could not be written whole. */
  truncate(length: number): void {
    this.#at = length;
  }

  u8(value: number): void {
    inRange(value, 0xff, 'UInt8');
    this.#room(1);
    this.#buffer[this.#at++] = value;
  }

  u16(value: number): void {
    inRange(value, 0xffff, 'UInt16');
    this.#room(2);
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  u32(value: number): void {
    inRange(value, 0xffffffff, 'UInt32');
    this.#room(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  /** Up to 2^53 - 1, as far as a number is exact. */
  u64(value: number): void {
    inRange(value, Number.MAX_SAFE_INTEGER, 'UInt64');
    this.#room(8);
    this.#view.setUint32(this.#at, value % TWO_32, true);
    this.#view.setUint32(this.#at + 4, Math.floor(value / TWO_32), true);
    this.#at += 8;
  }

  /** Int64 within the safe integers; also DateTime64(3), whose value is epoch milliseconds. */
  i64(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no Int64`);
    this.#room(8);
    const high = Math.floor(value / TWO_32);
    this.#view.setUint32(this.#at, value - high * TWO_32, true);
    this.#view.setInt32(this.#at + 4, high, true);
    this.#at += 8;
  }

  /** Finite: JSON could not carry anything else back to a reader. */
  f32(value: number): void {
    finite(value, 'Float32');
    this.#room(4);
    this.#view.setFloat32(this.#at, value, true);
    this.#at += 4;
  }

  /** Finite, as `f32`. */
  f64(value: number): void {
    finite(value, 'Float64');
    this.#room(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  /** Nullable(Float64); undefined is NULL. */
  f64OrNull(value: number | undefined): void {
    if (this.#isNull(value)) return;
    this.f64(value);
  }

  /** Nullable(UInt64); undefined is NULL. */
  u64OrNull(value: number | undefined): void {
    if (this.#isNull(value)) return;
    this.u64(value);
  }

  /** Nullable(Int64) or Nullable(DateTime64(3)); undefined is NULL. */
  i64OrNull(value: number | undefined): void {
    if (this.#isNull(value)) return;
    this.i64(value);
  }

  /** LEB128: the length of a string in bytes or of an array in items. */
  length128(value: number): void {
    this.#room(5);
    this.#at = this.#putLength(this.#at, value);
  }

  f32s(values: readonly number[]): void {
    this.length128(values.length);
    for (let i = 0; i < values.length; i++) this.f32(values[i] as number);
  }

  /** String, as UTF-8; a lone surrogate becomes U+FFFD. Undefined is the empty string. */
  text(value: string | undefined): void {
    if (value === undefined || value.length === 0) {
      this.#room(1);
      this.#buffer[this.#at++] = 0;
      return;
    }
    if (value.length > LOOP_CHARS_MAX || !this.#ascii(value)) this.#utf8(value);
  }

  /** String of raw bytes. */
  binary(value: Uint8Array): void {
    this.#room(5 + value.length);
    this.#at = this.#putLength(this.#at, value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** Bytes of another writer, as they are. */
  copy(from: Buffer, start: number, end: number): void {
    this.#room(end - start);
    this.#at += from.copy(this.#buffer, this.#at, start, end);
  }

  /** FixedString(bytes) from so many hex digits. */
  hex(value: string, bytes: number): void {
    if (value.length !== bytes * 2) throw new RangeError(`${value.length} hex digits are not ${bytes} bytes`);
    this.#room(bytes);
    const buffer = this.#buffer;
    let at = this.#at;
    for (let i = 0; i < value.length; i += 2) {
      const high = NIBBLES[value.charCodeAt(i)] ?? 255;
      const low = NIBBLES[value.charCodeAt(i + 1)] ?? 255;
      if ((high | low) > 15) throw new RangeError('a key has a character that is no hex digit');
      buffer[at++] = (high << 4) | low;
    }
    this.#at = at;
  }

  #isNull(value: number | undefined): value is undefined {
    this.#room(1);
    this.#buffer[this.#at++] = value === undefined ? 1 : 0;
    return value === undefined;
  }

  /** Writes a short string whose characters are all ASCII; false, with nothing written, when one is not. */
  #ascii(value: string): boolean {
    const length = value.length;
    this.#room(1 + length);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer[at++] = length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      buffer[at++] = code;
    }
    this.#at = at;
    return true;
  }

  /** The length is known only after encoding: it is guessed to take as many bytes as for ASCII, and moved if not. */
  #utf8(value: string): void {
    this.#room(5 + value.length * 3);
    const guess = lengthBytes(value.length);
    const written = this.#buffer.write(value, this.#at + guess, 'utf8');
    const needed = lengthBytes(written);
    if (needed !== guess) {
      this.#buffer.copyWithin(this.#at + needed, this.#at + guess, this.#at + guess + written);
    }
    this.#at = this.#putLength(this.#at, written) + written;
  }

  #putLength(at: number, value: number): number {
    const buffer = this.#buffer;
    let rest = value;
    let next = at;
    while (rest > 0x7f) {
      buffer[next++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[next++] = rest;
    return next;
  }

  #room(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

function lengthBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}
