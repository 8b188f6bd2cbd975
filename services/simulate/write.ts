import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { StoryLabel } from './labels.ts';
import type { Result, SimulationRequest } from './parameters.ts';
import { prepareSimulation, type Simulation } from './prepare.ts';
import { playSimulation } from './simulate.ts';

const CHUNK_CHARS = 128 * 1024;
const PROGRESS_EVERY = 10_000;
const GZIP_LEVEL = 6;
/** What the file system answers when a path cannot be written, whatever the reason. */
const UNWRITABLE: ReadonlySet<string> = new Set([
  'EACCES',
  'EDQUOT',
  'EEXIST',
  'EISDIR',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
]);

export type SimulationProgress = {
  readonly events: number;
  /** Share of the simulated time that is written, 0 to 1. */
  readonly share: number;
};

export type WrittenSimulation = {
  readonly events: number;
  readonly identities: number;
  /** Injected stories, as in the label file. */
  readonly stories: readonly Omit<StoryLabel, 'event_ids' | 'sessions'>[];
  readonly left_out: Simulation['left_out'];
  readonly events_file: string;
  readonly labels_file: string;
};

export type WriteOptions = {
  /** Called every ten thousand events and at the end. */
  readonly onProgress?: (progress: SimulationProgress) => void;
  /** Aborting removes what was written and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
};

/**
 * Writes a simulation to `out`, one event a line (gzip when the name ends in `.gz`), and its labels to
 * `out.labels.ndjson`. Both appear whole or not at all; the labels first, so that events never stand without them.
 */
export async function writeSimulation(
  request: SimulationRequest,
  out: string,
  options: WriteOptions = {},
): Promise<Result<WrittenSimulation>> {
  const prepared = prepareSimulation(request);
  if (!prepared.ok) return prepared;
  const labels_file = `${out}.labels.ndjson`;
  const nonce = randomUUID().slice(0, 8);
  const partial = { events: `${out}.partial-${nonce}`, labels: `${labels_file}.partial-${nonce}` };
  try {
    const { events, labels } = await writeEvents(prepared.value, partial.events, {
      ...options,
      gzip: out.endsWith('.gz'),
    });
    await writeFile(partial.labels, labels.map((label) => `${JSON.stringify(label)}\n`).join(''), { flush: true });
    await rename(partial.labels, labels_file);
    await rename(partial.events, out);
    const stories = labels.map(({ event_ids: _ids, sessions: _sessions, ...rest }) => rest);
    const { fleet, left_out } = prepared.value;
    return {
      ok: true,
      value: { events, identities: fleet.agents.length, stories, left_out, events_file: out, labels_file },
    };
  } catch (error) {
    await Promise.allSettled([rm(partial.events, { force: true }), rm(partial.labels, { force: true })]);
    options.signal?.throwIfAborted();
    const code = unwritableCode(error);
    if (code === undefined) throw error;
    const message = `cannot write ${out} (${code}); name a file in a directory that exists and that you may write to`;
    return { ok: false, error: { code: 'out_unwritable', field: 'out', value: out, message } };
  }
}

async function writeEvents(
  simulation: Simulation,
  file: string,
  options: WriteOptions & { readonly gzip: boolean },
): Promise<{ events: number; labels: StoryLabel[] }> {
  const { start_ms, end_ms } = simulation.fleet;
  const labels: StoryLabel[] = [];
  let events = 0;
  function* chunks(): Generator<string, void> {
    let chunk = '';
    for (const item of playSimulation(simulation)) {
      if (item.kind === 'label') {
        labels.push(item.label);
        continue;
      }
      chunk += `${JSON.stringify(item.event)}\n`;
      events += 1;
      if (events % PROGRESS_EVERY === 0)
        options.onProgress?.({ events, share: (item.time_ms - start_ms) / (end_ms - start_ms) });
      if (chunk.length < CHUNK_CHARS) continue;
      yield chunk;
      chunk = '';
    }
    if (chunk !== '') yield chunk;
  }
  const packing = options.gzip ? createGzip({ level: GZIP_LEVEL }) : new PassThrough();
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  await pipeline(Readable.from(chunks()), packing, createWriteStream(file, { flush: true }), signal);
  options.onProgress?.({ events, share: 1 });
  return { events, labels };
}

function unwritableCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return UNWRITABLE.has(error.code) ? error.code : undefined;
}
