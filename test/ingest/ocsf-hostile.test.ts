import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DeadLetter } from '../../schemas/dead-letter.ts';
import { CanonicalEvent } from '../../schemas/event.ts';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { OCSF_FIELDS } from '../../services/ingest/ocsf/fields.ts';
import { assumedRole } from './cloudtrail-support.ts';
import { atPath, mutations, oddValue } from './hostile-support.ts';
import { activity } from './ocsf-support.ts';
import { context, itemOf } from './support.ts';

const formats = normalisersOf('ocsf', []);

function judge(document: unknown): void {
  const decided = decideItem(itemOf(JSON.stringify(document) ?? 'null'), context({ formats }));
  assert.equal(decided.length, 1);
  const [only] = decided;
  if (only?.kind === 'accepted') assert.doesNotThrow(() => CanonicalEvent.parse(only.event));
  else if (only?.kind === 'dead_letter') assert.doesNotThrow(() => DeadLetter.parse(only.letter));
  else assert.fail(only?.kind);
}

const { arn } = assumedRole('i-0123456789abcdef0');
const bases = [
  activity({
    resources: [{ uid: 'a', data: {} }],
    trace: { uid: 't', span: { uid: 's' } },
    http_response: { code: 1 },
  }),
  activity({ actor: { user: { uid: arn, type: 'AssumedRole' }, session: { issuer: arn } }, unmapped: {} }),
  activity({ ai_agent: { uid: 'agent-1', ai_model: { name: 'm' } }, message_context: { prompt_tokens: 1 } }),
];

describe('hostile OCSF', () => {
  test('a value of any type at any field that is read: an event or a refusal', () => {
    for (const base of bases)
      for (const { from } of OCSF_FIELDS.rows)
        fc.assert(
          fc.property(oddValue, (value) => {
            judge(atPath(base, from, value));
          }),
          { numRuns: 20 },
        );
  });

  test('many fields at once, and fields that nobody knows', () => {
    for (const base of bases)
      fc.assert(
        fc.property(mutations(base), (document) => {
          judge(document);
        }),
        { numRuns: 500 },
      );
  });
});
