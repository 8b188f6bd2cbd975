import { DEAD_COPIED } from '../../services/cli/service/copies.ts';
import { FEED_POSITION } from '../../services/deliver/feed.ts';
import { type LogWrite, TOPICS } from '../../services/platform/event-log.ts';
import type { StateBlob } from '../../services/platform/store.ts';

/** Where a process can be stopped: every kind of write to the log, and every call of the store that a checkpoint rests on. */
export const LOG_STEPS = [
  'ingest',
  'raw',
  'tick',
  'cut_request',
  'prior_announce',
  'alerts',
  'commit',
  'feed',
  'command',
  'control',
  'copy_position',
  'log_other',
] as const;
export const STORE_STEPS = [
  'rows',
  'cut',
  'prior',
  'groups',
  'identities',
  'manifest',
  'dead_copies',
  'control_copies',
  'read_manifest',
  'read_blobs',
  'read_keys',
  'read_due',
  'read_prior',
] as const;
export type Step = (typeof LOG_STEPS)[number] | (typeof STORE_STEPS)[number];

/** Before the call; a moment after it was begun; after it came through and before its caller knows. */
export const PHASES = ['begun', 'sent', 'done'] as const;
export type Phase = (typeof PHASES)[number];

/** What a write to the log is, by what it carries. */
export function stepOfWrite({ records, positions = [] }: LogWrite): Step {
  const moves = (prefix: string): boolean => positions.some(({ name }) => name.startsWith(prefix));
  const writes = (topic: string): boolean => records.some((record) => record.topic === topic);
  if (moves('ingest.')) return 'raw';
  if (writes(TOPICS.control) || moves('control.')) return 'control';
  if (writes(TOPICS.feed) || moves(FEED_POSITION)) return 'feed';
  if (writes(TOPICS.alerts)) return 'alerts';
  if (writes(TOPICS.commands)) return 'command';
  if (moves('detect.committed.')) return 'commit';
  if (moves(DEAD_COPIED) || moves('copy.')) return 'copy_position';
  const [first] = records;
  if (first?.topic === TOPICS.events && first.key === 'cut') return 'cut_request';
  if (first?.topic === TOPICS.events && first.key === 'prior') return 'prior_announce';
  if (first?.topic === TOPICS.events && first.key === 'tick') return 'tick';
  return writes(TOPICS.events) || writes(TOPICS.dead) ? 'ingest' : 'log_other';
}

export function stepOfBlobs([blob]: readonly StateBlob[]): Step {
  return blob?.key.startsWith('\u0000group\u0000') === true ? 'groups' : 'identities';
}
