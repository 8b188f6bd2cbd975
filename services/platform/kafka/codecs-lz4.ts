import { createOutput, type Output, UnpackError } from './codecs-output.ts';

const MAGIC = 0x184d2204;
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const DICTIONARY = 0x01;
const UNCOMPRESSED = 0x80000000;
const MATCH_LEAST = 4;

/**
 * Unpacks one LZ4 frame (the LZ4 frame format, version 1.6.4, and its block format), at most so many bytes. Blocks may
 * refer to those before them. Checksums are passed over: Kafka has one of its own over the batch. Throws UnpackError.
 */
export function unpackLz4(bytes: Buffer, most: number): Buffer {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw damaged('it is no LZ4 frame');
  const flags = bytes.readUInt8(4);
  if ((flags & VERSION_MASK) !== VERSION || (flags & DICTIONARY) !== 0) throw damaged('it is an unknown LZ4 frame');
  const output = createOutput(4 * bytes.length, most);
  let at = 6 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + 1;
  for (;;) {
    if (at + 4 > bytes.length) throw damaged('its last block is missing');
    const head = bytes.readUInt32LE(at);
    at += 4;
    if (head === 0) return output.bytes();
    const size = head & ~UNCOMPRESSED;
    if (at + size > bytes.length) throw damaged('a block of it ends early');
    if (head >= UNCOMPRESSED) output.literal(bytes, at, at + size);
    else unpackBlock(bytes, at, at + size, output);
    at += size + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4);
  }
}

/** Sequences of literals and a match each; the last has literals only. */
function unpackBlock(bytes: Buffer, from: number, to: number, output: Output): void {
  let at = from;
  const extended = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let length = nibble;
    for (;;) {
      if (at >= to) throw damaged('a length of it ends early');
      const byte = bytes[at++] as number;
      length += byte;
      if (byte !== 255) return length;
    }
  };
  while (at < to) {
    const token = bytes[at++] as number;
    const literals = extended(token >>> 4);
    if (at + literals > to) throw damaged('its literals end early');
    output.literal(bytes, at, at + literals);
    at += literals;
    if (at === to) return;
    if (at + 2 > to) throw damaged('a match of it ends early');
    const distance = bytes.readUInt16LE(at);
    at += 2;
    output.repeat(distance, extended(token & 15) + MATCH_LEAST);
  }
}

function damaged(what: string): UnpackError {
  return new UnpackError('damaged', `the batch cannot be unpacked: ${what}`);
}
