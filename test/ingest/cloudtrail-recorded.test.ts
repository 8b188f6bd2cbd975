import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { openRecording, readItems } from '../../services/ingest/source.ts';
import { context } from './support.ts';

/** Recorded by others, not part of the project; the tests run where it lies beside the checkout. */
const RECORDED = fileURLToPath(new URL('../../../shared/data/cloudtrail/', import.meta.url));
const skip = existsSync(RECORDED) ? false : 'no recorded CloudTrail beside the checkout';

const files = (): readonly string[] =>
  readdirSync(RECORDED, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => `${RECORDED}${name}`);

for (const format of ['cloudtrail', 'auto'] as const) {
  test(`every recorded record becomes an event with all that it tells, as ${format}`, { skip }, async () => {
    const formats = normalisersOf(format, []);
    const seen = { records: 0, credentials: 0, bytes: 0 };
    for (const file of files()) {
      for await (const { items } of readItems(await openRecording(file))) {
        for (const item of items) {
          const source = JSON.parse(item.bytes.toString()) as Record<string, Record<string, unknown>>;
          const decided = decideItem(item, context({ formats }));
          assert.equal(decided.length, 1);
          const [only] = decided;
          if (only?.kind !== 'accepted') return assert.fail(`${item.position}: ${JSON.stringify(only)}`);
          const { event } = only;
          seen.records++;
          assert.equal(event.id, source.eventID);
          assert.deepEqual([event.tool?.name, event.tool?.server], [source.eventName, source.eventSource]);
          assert.notEqual(event.action.operation, 'unknown');
          assert.equal(event.outcome.status === 'ok', source.errorCode === undefined);
          assert.equal(event.credential?.id, source.userIdentity?.accessKeyId);
          assert.ok(event.identity.id !== '' && event.identity.peer_group !== undefined);
          if (event.credential !== undefined) seen.credentials++;
          if (event.volume.bytes_out !== undefined) seen.bytes++;
        }
      }
    }
    assert.deepEqual(seen, { records: 413, credentials: 407, bytes: 9 });
  });
}
