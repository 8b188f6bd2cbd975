import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { masked, readSpoken, spoken, written } from './spoken.ts';

test('detectors say what they have said before: people and rules of a SIEM know the words', () => {
  const before = readSpoken(readFileSync(new URL('spoken.txt', import.meta.url), 'utf8'));
  const said = spoken();
  for (const [pattern, sentences] of said) {
    const known = before.get(pattern);
    // A pattern of a new detector has no words to keep yet.
    if (known === undefined) continue;
    for (const sentence of sentences) {
      assert.ok(known.has(sentence), `${pattern} says "${sentence}"; if that is meant, see test/detectors/spoken.ts`);
    }
  }
  const silent = [...before.keys()].filter((pattern) => !said.has(pattern));
  assert.ok(silent.length < before.size / 4, `too few patterns are tried: ${silent.join()} are not`);
});

test('no sentence has a gap, a double word or a number of ten digits', () => {
  for (const sentence of [...spoken().values()].flatMap((sentences) => [...sentences])) {
    assert.match(sentence, /^[A-Z].*[^ .;,]\.$/, sentence);
    assert.doesNotMatch(sentence, /\b(\w+) \1\b| {2}| [,;.]|undefined|NaN|Infinity|""/, sentence);
  }
});

test('names and numbers are masked, words are not, and what is written can be read', () => {
  assert.equal(
    masked('read_customer was used once in 1,204 learned calls, 4.5 MB, by 10.1.2.3 in less than 0.1 % of one hour.'),
    'TOOL was used N times in N learned calls, SIZE, by ADDRESS in N % of one SPAN.',
  );
  const said = new Map([['a', new Set(['One.', 'Two.'])]]);
  assert.deepEqual(readSpoken(written(said)), said);
});
