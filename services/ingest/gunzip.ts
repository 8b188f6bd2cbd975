import { setImmediate as turn } from 'node:timers/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { LIMITS } from '../../schemas/limits.ts';
import type { Refusal } from './refusal.ts';

/** RFC 1952, section 2.3.1: the identification bytes of a member. */
export function isGzip(first: Buffer): boolean {
  return first[0] === 0x1f && first[1] === 0x8b;
}

/**
 * Unpacks gzip members as they come. All that can be unpacked is yielded; a stream that is cut off or damaged ends with
 * the refusal that says so, and never with a throw.
 */
export async function* gunzip(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer | Refusal> {
  const unpacked: Buffer[] = [];
  const unzip = createGunzip();
  let failure: NodeJS.ErrnoException | undefined;
  let read = 0;
  unzip.on('data', (bytes: Buffer) => unpacked.push(bytes));
  unzip.on('error', (error) => {
    failure = error;
  });
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length && failure === undefined; at += LIMITS.gunzip_slice_bytes) {
        const slice = chunk.subarray(at, at + LIMITS.gunzip_slice_bytes);
        await write(unzip, slice);
        read += slice.length;
        yield* unpacked.splice(0);
      }
      if (failure !== undefined) break;
    }
    if (failure === undefined) await finish(unzip);
    yield* unpacked.splice(0);
    if (failure !== undefined) yield damaged(failure, read);
  } finally {
    unzip.destroy();
  }
}

/** Resolves when the slice is unpacked and its output delivered, or when unpacking it failed. */
async function write(unzip: Gunzip, slice: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      unzip.off('close', done);
      resolve();
    };
    // A failed write is not called back, but the stream closes.
    unzip.once('close', done);
    unzip.write(slice, done);
  });
  await turn();
}

/** Ends the stream by itself, without bytes: with the last ones, an error would take their output along. */
async function finish(unzip: Gunzip): Promise<void> {
  await new Promise<void>((resolve) => {
    unzip.once('end', resolve);
    unzip.once('error', () => resolve());
    unzip.end();
  });
}

function damaged(failure: NodeJS.ErrnoException, read: number): Refusal {
  const what = failure.code === 'Z_BUF_ERROR' ? 'breaks off' : `is damaged (${failure.code ?? 'unknown'})`;
  return {
    kind: 'refused',
    reason: 'truncated_input',
    message: `the gzip stream ${what} after ${read} compressed bytes; what came before was taken, copy the file again`,
  };
}
