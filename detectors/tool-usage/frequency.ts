import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND, keyOf } from '../group.ts';
import { AT, TOOL_ENTRIES } from '../layout.ts';
import { increment, tailMass, totalOf, unseenMass } from '../math/count-table.ts';
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

  score: (c) => surpriseFrom(c.known.tools + (c.near?.total(KIND.tool) ?? 0), probability(c)),

  learn({ state, part, record, trust }) {
    increment(state.u32, state.at + AT.tools, TOOL_ENTRIES, record.tool);
    part.add(keyOf(KIND.tool, record.tool), trust);
  },

  explain(c) {
    const { tool: own, tools: total, near_tool: done } = c.known;
    const tool = name(toolName(c));
    const among = c.near === undefined ? 0 : share(c);
    const all = c.near?.total(KIND.tool) ?? 0;
    const peers = amongPeers(c, { own, verb: ['used', 'uses'], done, all, unit: 'calls' });
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

function share(c: Context): number {
  const total = c.near?.total(KIND.tool) ?? 0;
  return total === 0 ? 0 : c.known.near_tool / total;
}

function probability(c: Context): number {
  const { tool: own, tools: total, near_tool } = c.known;
  const among = tailAmongPeers(c, KIND.tool, near_tool);
  const mass = tailMass(c.u32, c.at + AT.tools, own, total);
  return own === 0 ? mass * among : blendTails(mass, total, among);
}
