import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { StoryLabel } from '../../services/simulate/labels.ts';
import { type SimulationProgress, writeSimulation } from '../../services/simulate/write.ts';
import { request, run } from './support.ts';

const asked = request({ identities: 30, days: 8, stories: ['volume_burst', 'retry_storm', 'gone_silent'] });

describe('writing a simulation', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'countersign-simulate-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const linesOf = (text: string): unknown[] =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line): unknown => JSON.parse(line));

  it('writes what the core yields, labels beside it, and counts both', async () => {
    const out = join(directory, 'fleet.ndjson');
    const seen: SimulationProgress[] = [];
    const written = await writeSimulation(asked, out, { onProgress: (progress) => seen.push(progress) });
    assert.ok(written.ok);
    const expected = run(asked);
    assert.deepEqual(linesOf(await readFile(out, 'utf8')), expected.events);
    assert.deepEqual(linesOf(await readFile(`${out}.labels.ndjson`, 'utf8')), expected.labels);
    assert.equal(written.value.events, expected.events.length);
    assert.equal(written.value.identities, 30);
    assert.deepEqual(
      written.value.stories.map((story) => story.story),
      expected.labels.map((label: StoryLabel) => label.story),
    );
    assert.deepEqual(seen.at(-1), { events: expected.events.length, share: 1 });
    assert.deepEqual((await readdir(directory)).sort(), ['fleet.ndjson', 'fleet.ndjson.labels.ndjson']);
  });

  it('compresses by the name of the file, to the same lines', async () => {
    const plain = join(directory, 'plain.ndjson');
    const packed = join(directory, 'packed.ndjson.gz');
    assert.ok((await writeSimulation(asked, plain)).ok);
    assert.ok((await writeSimulation(asked, packed)).ok);
    assert.deepEqual(gunzipSync(await readFile(packed)), await readFile(plain));
  });

  it('says what is wrong with a path, and leaves nothing behind', async () => {
    const occupied = join(directory, 'a-file');
    await writeFile(occupied, '');
    const before = (await readdir(directory)).sort();
    for (const out of [join(directory, 'missing', 'x.ndjson'), join(occupied, 'x.ndjson'), directory]) {
      const written = await writeSimulation(asked, out);
      assert.ok(!written.ok);
      assert.equal(written.error.code, 'out_unwritable');
      assert.ok(written.error.message.includes(out));
    }
    assert.deepEqual((await readdir(directory)).sort(), before);
  });

  it('passes refusals on before it writes anything', async () => {
    const out = join(directory, 'never.ndjson');
    const written = await writeSimulation({ ...asked, stories: ['sabotage'] }, out);
    assert.ok(!written.ok && written.error.code === 'unknown_story');
    assert.ok(!(await readdir(directory)).includes('never.ndjson'));
  });

  it('stops when it is told to, keeps an older file and removes the new parts', async () => {
    const out = join(directory, 'kept.ndjson');
    await writeFile(out, 'older\n');
    const stop = new AbortController();
    const reason = new Error('enough');
    const writing = writeSimulation({ ...asked, identities: 60 }, out, {
      signal: stop.signal,
      onProgress: () => stop.abort(reason),
    });
    await assert.rejects(writing, reason);
    assert.equal(await readFile(out, 'utf8'), 'older\n');
    assert.ok((await readdir(directory)).every((name) => !name.includes('partial')));
  });
});
