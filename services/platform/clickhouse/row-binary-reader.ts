const TWO_32 = 2 ** 32;

/** Reads what ClickHouse answers in RowBinary. Reading beyond the end throws RangeError: the answer was cut short. */
export class RowBinaryReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get done(): boolean {
    return this.#at >= this.#buffer.length;
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  f32(): number {
    return this.#buffer.readFloatLE(this.#take(4));
  }

  f64(): number {
    return this.#buffer.readDoubleLE(this.#take(8));
  }

  /** UInt64 or Int64 within the safe integers. */
  i64(): number {
    const at = this.#take(8);
    return this.#buffer.readInt32LE(at + 4) * TWO_32 + this.#buffer.readUInt32LE(at);
  }

  i64OrNull(): number | undefined {
    return this.u8() === 1 ? undefined : this.i64();
  }

  list<T>(item: () => T): T[] {
    return Array.from({ length: this.#length() }, item);
  }

  text(): string {
    const length = this.#length();
    const at = this.#take(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** A copy, so that a kept blob does not keep the whole answer alive. */
  binary(): Uint8Array {
    const length = this.#length();
    const at = this.#take(length);
    return new Uint8Array(this.#buffer.subarray(at, at + length));
  }

  hex(bytes: number): string {
    const at = this.#take(bytes);
    return this.#buffer.toString('hex', at, at + bytes);
  }

  #length(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('a length has more than five bytes');
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#buffer.length) throw new RangeError('the answer ends inside a row');
    this.#at = at + bytes;
    return at;
  }
}
