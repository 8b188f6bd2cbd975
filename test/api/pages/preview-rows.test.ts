import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlastRadius, ContainmentPreview } from '../../../schemas/api/preview.ts';
import { previewRows } from '../../../services/api/pages/preview-view.ts';

const radius = (target: BlastRadius['target']): BlastRadius => ({
  from: 0,
  others_from: 0,
  to: 86_400_000,
  identity: { events: 12, sessions: 3, tools: 1, credentials: 1, first_time: 0, last_time: 86_400_000 },
  ...(target !== undefined && { target }),
  sessions: [],
  sessions_open: 1,
  credentials: [],
  tools: [],
  acts_for: [],
  shares_credential: [],
  delegates_to: [],
  delegated_by: [],
  days: [],
});
const stopped = (target: BlastRadius['target']) => {
  const preview: ContainmentPreview = {
    containment: 'a'.repeat(32),
    digest: 'b'.repeat(64),
    message: '',
    blast_radius: radius(target),
  };
  return previewRows(preview).reach.find(({ name }) => name === 'Would have been stopped');
};

test('a look ahead counts what the action would have stopped', () => {
  assert.deepEqual(stopped({ events: 2, sessions: 1 }), {
    name: 'Would have been stopped',
    values: ['2 events'],
    note: 'in 1 session',
  });
  assert.equal(stopped(undefined), undefined);
});

test('and says so when the identity was never seen with the target: it may be somebody else’s', () => {
  assert.deepEqual(stopped({ events: 0, sessions: 0 }), {
    name: 'Would have been stopped',
    values: ['nothing'],
    note: 'it was never seen with this target, which may be somebody else’s: ask whoever requested it',
  });
});
