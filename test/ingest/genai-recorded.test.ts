import assert from 'node:assert/strict';
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createGunzip } from 'node:zlib';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { context, itemOf } from './support.ts';

const STREAM = new URL('../../../shared/data/agent-traces/dev.otlp.ndjson.gz', import.meta.url);
const REQUESTS = 4_000;
/** Content in the recording is masked to its length. */
const MASKED = /x{12}/;

/** Long names of channels and people are masked too, and are targets all the same. */
const withoutTargets = (decided: unknown): string =>
  JSON.stringify(decided, (name, value: unknown) => (name === 'resources' || name === 'json' ? undefined : value));

test('recorded spans become events with sizes and without content', { skip: !existsSync(STREAM) }, async () => {
  const counted = { accepted: 0, held: 0, absorbed: 0, dead_letter: 0 };
  const formats = normalisersOf('otlp_json', []);
  const sized = { masked: 0, sized: 0, named: 0 };
  const unpacked = createReadStream(STREAM).pipe(createGunzip());
  for await (const line of createInterface({ input: unpacked })) {
    for (const decided of decideItem(itemOf(line), context({ formats }))) {
      counted[decided.kind]++;
      assert.doesNotMatch(withoutTargets(decided), MASKED);
      const content =
        decided.kind === 'accepted' ? decided.event : decided.kind === 'held' && decided.waiting.event?.content;
      if (!content) continue;
      assert.match(content.id, /^[0-9a-f]{16}$/);
      if (MASKED.test(line)) sized.masked++;
      if (content.volume.bytes_out !== undefined) sized.sized++;
      if (content.resources.length > 0) sized.named++;
    }
    if (counted.accepted + counted.held + counted.absorbed >= REQUESTS) break;
  }
  unpacked.destroy();
  assert.equal(counted.dead_letter, 0);
  assert.ok(counted.accepted > counted.held && counted.held > 0 && counted.absorbed > 0, JSON.stringify(counted));
  assert.ok(sized.sized >= sized.masked && sized.masked > 0, 'what has content has sizes');
  assert.ok(sized.named > REQUESTS / 4, 'many calls name what they touch');
});
