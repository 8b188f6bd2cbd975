import type { Manifest, Outputs, StateBlob } from '../../schemas/outputs.ts';
import { TOPICS } from '../../services/platform/event-log.ts';
import { canonical, manifest, NOON, outputs, scored } from './store-fixtures.ts';

export const BATCH_ROWS = 400;
export const BLOBS = 50;
export type Step = { readonly batch: number; readonly step: 'outputs' | 'blobs' | 'manifest' };

/** A checkpoint as a function of its number, as a partition worker's is one of the log. */
export function checkpointOf(batch: number): { outputs: Outputs; blobs: StateBlob[]; manifest: Manifest } {
  const first = batch * BATCH_ROWS;
  const events = Array.from({ length: BATCH_ROWS }, (_, i) => {
    const offset = first + i;
    const identity = { id: `agent-${batch}`, kind: 'agent' } as const;
    // Two log months, so that a write is two parts and can be half there.
    const log_time = NOON + (i % 2) * 40 * 86_400_000;
    return scored(canonical('default', `e-${offset}`, { identity, time: NOON + offset }), { offset, log_time });
  });
  const version = first + BATCH_ROWS - 1;
  return {
    outputs: outputs({ events }),
    blobs: Array.from({ length: BLOBS }, (_, i) => ({
      key: `blob-${i}`,
      version,
      due: undefined,
      bytes: Buffer.alloc(2_000, version % 251),
    })),
    manifest: manifest(TOPICS.events, 0, { next_offset: version + 1 }),
  };
}
