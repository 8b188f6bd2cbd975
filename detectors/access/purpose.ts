import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND, keyOf } from '../group.ts';
import { mix } from '../math/hash.ts';
import { surpriseFrom } from '../math/logarithm.ts';
import { count, name, peersName, percent, toolName } from '../sentences.ts';
import { MIXED_PURPOSES, TRACE } from '../trace.ts';

/**
 * A tool that the stated business purpose does not usually need.
 *
 * Statistics: the share of the tool in the calls that the group made for this purpose, with back-off to the tool's share in
 * all calls (Witten and Bell 1991 in spirit: so many calls of the lower order are added), bounded by Laplace's rule of
 * succession over the calls made for this purpose: a purpose that nobody stated before says nothing.
 *
 * State: none of the identity, one word of the session; two counts of the group a tool and purpose.
 *
 * Wrong where the purpose is chosen by the agent itself and a hijacked one keeps to its words, or where it is free text: that
 * never returns, so it never speaks. A session with several purposes is judged but not learned.
 */
const LEAN = 4;
const NAMESPACE_PURPOSE = 0x9095;

const anyKey = (purpose: number): number => keyOf(KIND.name, mix(NAMESPACE_PURPOSE, purpose));
const toolKey = (purpose: number, tool: number): number => keyOf(KIND.name, mix(mix(NAMESPACE_PURPOSE, purpose), tool));

const found = { calls: 0, probability: 1 };

function look(c: Context): number {
  found.calls = 0;
  found.probability = 1;
  if (c.f.purpose === 0 || c.peers === undefined) return 0;
  const calls = c.peers.count(anyKey(c.f.purpose));
  if (calls === 0) return 0;
  const share = (c.peers.count(keyOf(KIND.tool, c.f.tool)) + 0.5) / (c.peers.total(KIND.tool) + 50);
  found.calls = calls;
  found.probability = (c.peers.count(toolKey(c.f.purpose, c.f.tool)) + LEAN * share) / (calls + LEAN);
  return surpriseFrom(calls, found.probability);
}

export const purposeFit: Detector = {
  name: 'purpose_fit',
  family: 'access_context',
  weighed: 'operation',
  voice: 0.5,
  score: look,
  learn({ group, trace, record, trust }) {
    const purpose = trace.get(TRACE.purpose);
    if (purpose === 0 || purpose === MIXED_PURPOSES) return;
    group.add(anyKey(purpose), trust);
    group.add(toolKey(purpose, record.tool), trust);
  },
  explain(c) {
    look(c);
    const purpose = c.f.event?.purpose ?? '';
    const used = c.peers?.count(toolKey(c.f.purpose, c.f.tool)) ?? 0;
    const habit = used === 0 ? 'never used it' : `used it in ${percent(used / found.calls)} of calls`;
    return {
      pattern: 'outside_purpose',
      subject: { kind: 'tool', value: toolName(c) },
      observed: { name: 'stated purpose', value: name(purpose) },
      expected: { name: 'probability of this tool for it', value: found.probability, unit: 'probability' },
      basis: c.basis,
      sentence: `${name(toolName(c))} was called for the purpose "${name(purpose)}", for which ${peersName(c)} ${habit} (${count(found.calls)} calls).`,
    };
  },
};
