import { createOutput, type Output, UnpackError } from './codecs-output.ts';

/** Head of the framing of xerial's snappy-java: this magic, then two versions of four bytes each, then blocks. */
const XERIAL = Buffer.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00);
const XERIAL_HEAD_BYTES = 16;

/**
 * Unpacks Snappy (https://github.com/google/snappy/blob/main/format_description.txt), plain as librdkafka may write it or in
 * the blocks of snappy-java, at most so many bytes. Throws UnpackError.
 */
export function unpackSnappy(bytes: Buffer, most: number): Buffer {
  const framed = bytes.subarray(0, XERIAL.length).equals(XERIAL);
  const output = createOutput(4 * bytes.length, most);
  if (!framed) {
    unpackBlock(bytes, 0, bytes.length, { output, most });
    return output.bytes();
  }
  for (let at = XERIAL_HEAD_BYTES; at < bytes.length; ) {
    if (at + 4 > bytes.length) throw damaged('the length of a block ends early');
    const size = bytes.readUInt32BE(at);
    at += 4;
    if (at + size > bytes.length) throw damaged('a block of it ends early');
    unpackBlock(bytes, at, at + size, { output, most });
    at += size;
  }
  return output.bytes();
}

/** One block: the length of what it unpacks to, then literals and copies of what came before in the same block. */
function unpackBlock(
  bytes: Buffer,
  from: number,
  to: number,
  into: { readonly output: Output; readonly most: number },
) {
  const { output, most } = into;
  let at = from;
  const little = (count: number): number => {
    if (at + count > to) throw damaged('an element of it ends early');
    let value = 0;
    for (let i = 0; i < count; i++) value += (bytes[at + i] as number) * 2 ** (8 * i);
    at += count;
    return value;
  };
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = little(1);
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
    if (shift >= 28) throw damaged('its length is no varint');
  }
  const begun = output.length;
  if (begun + length > most) throw new UnpackError('too_large', `the batch unpacks to more than ${most} bytes`);
  const copy = (distance: number, count: number): void => {
    if (distance > output.length - begun) throw damaged('it repeats what lies before its block');
    output.repeat(distance, count);
  };
  while (at < to) {
    const tag = bytes[at++] as number;
    const upper = tag >>> 2;
    switch (tag & 3) {
      case 0: {
        const count = 1 + (upper < 60 ? upper : little(upper - 59));
        if (at + count > to) throw damaged('its literals end early');
        output.literal(bytes, at, at + count);
        at += count;
        break;
      }
      case 1:
        copy((tag >>> 5) * 256 + little(1), 4 + (upper & 7));
        break;
      case 2:
        copy(little(2), 1 + upper);
        break;
      default:
        copy(little(4), 1 + upper);
    }
    if (output.length - begun > length) throw damaged('it unpacks to more than it says');
  }
  if (output.length - begun !== length) throw damaged('it unpacks to less than it says');
}

function damaged(what: string): UnpackError {
  return new UnpackError('damaged', `the batch cannot be unpacked: ${what}`);
}
