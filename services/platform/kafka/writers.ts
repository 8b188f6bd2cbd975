import { type Appended, LogUnavailable } from '../event-log.ts';
import type { CheckedWrite } from '../sqlite-log/write-check.ts';
import { createFencedWriter, type FencedWriter, type WriterOptions } from './fenced-writer.ts';
import { processFence } from './settings.ts';

/** The writers of one handle: one for each fence that was asked for, and one for the process. */
export type Writers = {
  /** Resolves when the write is durable; rejects at once with LogUnavailable (`busy`) when too much waits. */
  add(checked: CheckedWrite): Promise<Appended>;
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>;
  close(): void;
};

/** Held in memory for a write beside its records. */
const WRITE_BYTES = 512;

export function createWriters(
  options: Omit<WriterOptions, 'fence' | 'role'> & {
    /** Bytes of all writes that wait. */
    readonly queue_bytes_max: number;
  },
): Writers {
  const { queue_bytes_max } = options;
  const { settings, telemetry } = options.connection;
  const process_fence = processFence(settings);
  const writers = new Map<string, FencedWriter>();
  let waiting_bytes = 0;

  const writerOf = (fence: string): FencedWriter => {
    const found = writers.get(fence);
    if (found !== undefined) return found;
    const role = fence === process_fence ? 'process' : 'office';
    const made = createFencedWriter({ ...options, fence, role });
    writers.set(fence, made);
    return made;
  };
  return {
    add: async (checked) => {
      const { expect } = checked.write;
      const bytes = checked.bytes + WRITE_BYTES;
      if (waiting_bytes > 0 && waiting_bytes + bytes > queue_bytes_max) {
        telemetry.occurred('log_unavailable', { reason: 'busy' }, { waiting_bytes });
        throw new LogUnavailable('busy', `${waiting_bytes} bytes wait for the brokers already: try again later`);
      }
      waiting_bytes += bytes;
      try {
        return await writerOf(expect === undefined ? process_fence : (expect.fence ?? expect.name)).add(checked);
      } finally {
        waiting_bytes -= bytes;
      }
    },
    drained: async () => {
      await Promise.all([...writers.values()].map((writer) => writer.drained()));
    },
    close: () => {
      for (const writer of writers.values()) writer.close();
    },
  };
}
