import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { Item } from './core.ts';
import { gunzip, isGzip } from './gunzip.ts';
import type { Refusal } from './refusal.ts';
import { createSplitter } from './split.ts';

/** A recorded stream: its name for positions, its bytes, and how many there are where that is known. */
export type Recording = {
  readonly name: string;
  readonly chunks: AsyncIterable<Buffer>;
  readonly size_bytes: number | undefined;
};

/**
 * A file, or standard input for `-`. Rejects with the system's error when there is no such file, it may not be read, or
 * it is a directory. Opened only when it is read, so that a thousand files do not stand open at once.
 */
export async function openRecording(path: string): Promise<Recording> {
  if (path === '-') return { name: 'stdin', chunks: process.stdin as AsyncIterable<Buffer>, size_bytes: undefined };
  const found = await stat(path);
  if (found.isDirectory()) throw new RecordingIsDirectory(path);
  await access(path, constants.R_OK);
  return { name: path, chunks: chunksOf(path), size_bytes: found.isFile() ? found.size : undefined };
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path);
}

/** Like the errors of the system that stand beside it, it has their code. */
export class RecordingIsDirectory extends Error {
  override readonly name = 'RecordingIsDirectory';
  readonly code = 'EISDIR';

  constructor(path: string) {
    super(`${path} is a directory: name the files in it`);
  }
}

export type ItemBatch = {
  readonly items: readonly Item[] /** Bytes read of the source itself. */;
  readonly bytes_read: number;
};

/** The items of a recording, plain or gzip, NDJSON or one JSON list, in batches as the bytes come. */
export async function* readItems(recording: Recording): AsyncGenerator<ItemBatch> {
  const splitter = createSplitter(recording.name);
  let bytes_read = 0;
  let damage: Refusal | undefined;
  for await (const piece of readUnpacked(recording, (count) => {
    bytes_read += count;
  })) {
    if ('kind' in piece) {
      damage = piece;
      break;
    }
    const items: Item[] = [];
    splitter.push(piece, items);
    if (items.length > 0) yield { items, bytes_read };
  }
  const items: Item[] = [];
  splitter.end(items, damage);
  yield { items, bytes_read };
}

/** The bytes of a recording, unpacked where they are gzip; last, if it is damaged or cut off, why. */
export async function* readUnpacked(
  { chunks: packed }: Recording,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer | Refusal> {
  const { first, chunks } = await peek(countBytes(packed, count), 2);
  yield* isGzip(first) ? gunzip(chunks) : chunks;
}

async function* countBytes(chunks: AsyncIterable<Buffer>, count: (bytes: number) => void): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += READ_BYTES) {
      const piece = chunk.subarray(at, at + READ_BYTES);
      count(piece.length);
      yield piece;
    }
  }
}

/** Large chunks are worked off in pieces, so that the event loop gets its turn. */
const READ_BYTES = 64 * 1024;

/** The first bytes of a stream, and the whole stream again. */
async function peek(
  source: AsyncGenerator<Buffer>,
  bytes: number,
): Promise<{ first: Buffer; chunks: AsyncGenerator<Buffer> }> {
  const taken: Buffer[] = [];
  let length = 0;
  while (length < bytes) {
    const next = await source.next();
    if (next.done === true) break;
    taken.push(next.value);
    length += next.value.length;
  }
  return { first: Buffer.concat(taken), chunks: again(taken, source) };
}

async function* again(taken: readonly Buffer[], rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield* taken;
  yield* rest;
}
