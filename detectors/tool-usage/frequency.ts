import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND, keyOf } from '../group.ts';
import { AT, TOOL_ENTRIES } from '../layout.ts';
import { countOf, increment, tailMass, totalOf, unseenMass } from '../math/count-table.ts';
import { surpriseFrom } from '../math/logarithm.ts';
import { amongPeers, count, name, ofHistory, times, toolName } from '../sentences.ts';
import { blendTails, tailAmongPeers } from '../yardstick.ts';

/**
 * How rare the tool is for this identity, judged by tail mass: the probability of a tool at least as rare.
 *
 * Statistics: as for resources (retrieval/resource.ts: Good 1953, Katz 1987). State: 64 counts (77 words); the group: one
 * count a tool.
 *
 * Wrong about the first use of what the team has always used, which it calls rare as well; blind for a known tool put to
 * another use.
 */
export const toolFrequency: Detector = {
  name: 'tool_frequency',
  family: 'tool_usage',
  weighed: 'operation',
  voice: 0.4,

  score: (c) => surpriseFrom(totalOf(c.u32, c.at + AT.tools) + (c.near?.total(KIND.tool) ?? 0), probability(c)),

  learn({ state, part, record, trust }) {
    increment(state.u32, state.at + AT.tools, TOOL_ENTRIES, record.tool);
    part.add(keyOf(KIND.tool, record.tool), trust);
  },

  explain(c) {
    const own = countOf(c.u32, c.at + AT.tools, TOOL_ENTRIES, c.f.tool);
    const total = totalOf(c.u32, c.at + AT.tools);
    const tool = name(toolName(c));
    const among = c.near === undefined ? 0 : share(c);
    const all = c.near?.total(KIND.tool) ?? 0;
    const peers = amongPeers(c, { own, verb: ['used', 'uses'], done: toolCount(c), all, unit: 'calls' });
    return {
      pattern: own === 0 ? 'first_seen_tool' : 'rare_tool',
      subject: { kind: 'tool', value: toolName(c) },
      observed: { name: 'calls of this tool before', value: own, unit: 'calls' },
      expected: { name: 'share of calls among peers', value: among, unit: 'probability' },
      basis: total > 0 ? 'identity' : c.near_basis,
      sentence:
        own === 0
          ? `${tool} was never used by this identity ${ofHistory(c)}${peers}.`
          : `${tool} is rare for this identity, used ${times(own)} in ${count(total)} learned calls${peers}.`,
    };
  },

  baselines: (state) => [
    { name: 'calls remembered', value: totalOf(state.u32, state.at + AT.tools), unit: 'calls' },
    { name: 'chance of a new tool', value: unseenMass(state.u32, state.at + AT.tools), unit: 'probability' },
  ],
};

function toolCount(c: Context): number {
  return c.near?.count(keyOf(KIND.tool, c.f.tool)) ?? 0;
}

function share(c: Context): number {
  const total = c.near?.total(KIND.tool) ?? 0;
  return total === 0 ? 0 : toolCount(c) / total;
}

function probability(c: Context): number {
  const own = countOf(c.u32, c.at + AT.tools, TOOL_ENTRIES, c.f.tool);
  const among = tailAmongPeers(c, KIND.tool, c.f.tool);
  const mass = tailMass(c.u32, c.at + AT.tools, own);
  return own === 0 ? mass * among : blendTails(mass, totalOf(c.u32, c.at + AT.tools), among);
}
