/**
 * The flexible encoding of newer requests (KIP-482), which kafkajs hardly knows: lengths are unsigned varints of one more
 * than the length, and every structure ends with tagged fields.
 */

export function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Every step throws RangeError beyond the end. */
export function flexibleReader(payload: Buffer) {
  let at = 0;
  const advance = (bytes: number): number => {
    const from = at;
    if (bytes < 0 || from + bytes > payload.length) throw new RangeError('the answer ends early');
    at += bytes;
    return from;
  };
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = payload.readUInt8(advance(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
      if (shift > 28) throw new RangeError('a length of the answer is no varint');
    }
  };
  const read = {
    int16: () => payload.readInt16BE(advance(2)),
    int32: () => payload.readInt32BE(advance(4)),
    /** As a float: offsets lie far below 2^53. */
    int64: () => Number(payload.readBigInt64BE(advance(8))),
    bigInt64: () => payload.readBigInt64BE(advance(8)),
    bytes: (length: number) => payload.subarray(advance(length), at),
    /** With its length in front of it; null reads as empty. */
    compactBytes: () => read.bytes(Math.max(0, varint() - 1)),
    skip: (length: number) => void advance(length),
    /** Null reads as empty. */
    string: () => read.bytes(Math.max(0, varint() - 1)).toString(),
    array: <T>(element: () => T): T[] => {
      const length = Math.max(0, varint() - 1);
      if (length > payload.length) throw new RangeError('the answer ends early');
      return Array.from({ length }, element);
    },
    tags: (): void => {
      for (let left = varint(); left > 0; left--) {
        varint();
        read.skip(varint());
      }
    },
  };
  return read;
}
