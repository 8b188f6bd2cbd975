import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { unpackLz4 } from './codecs-lz4.ts';
import { UnpackError } from './codecs-output.ts';
import { unpackSnappy } from './codecs-snappy.ts';

/** Compression of a batch, by the number in its attributes. */
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

/**
 * Records of a compressed batch, at most so many bytes. Throws UnpackError.
 *
 * Snappy and LZ4 are unpacked by us: lz4js neither bounds its output nor notices damage, and kafkajs-snappy joins its
 * blocks in quadratic time without a bound. Both serve the tests as peers.
 */
export function unpack(codec: number, bytes: Buffer, most: number): Buffer {
  switch (codec) {
    case GZIP:
      return byZlib(() => gunzipSync(bytes, { maxOutputLength: most, chunkSize: CHUNK_BYTES }));
    case SNAPPY:
      return unpackSnappy(bytes, most);
    case LZ4:
      return unpackLz4(bytes, most);
    case ZSTD:
      return byZlib(() => zstdDecompressSync(bytes, { maxOutputLength: most, chunkSize: CHUNK_BYTES }));
    default:
      throw new UnpackError('damaged', `there is no compression ${codec}`);
  }
}

const CHUNK_BYTES = 256 * 1024;

function byZlib(work: () => Buffer): Buffer {
  try {
    return work();
  } catch (error) {
    const tooLarge = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    throw new UnpackError(tooLarge ? 'too_large' : 'damaged', 'the batch cannot be unpacked', { cause: error });
  }
}
