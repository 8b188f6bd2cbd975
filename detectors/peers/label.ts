import { AT, TOOL_ENTRIES } from '../layout.ts';
import { mostCounted } from '../math/count-table.ts';
import { mix } from '../math/hash.ts';
import type { StateRef } from '../state.ts';

/** One tool is too coarse, as many teams share their commonest one; with three, chance decides too often which is third. */
const TOOLS = 2;

const tools = new Uint32Array(TOOLS);

/**
 * The two tools that an identity uses most, whichever of them comes first, as one number: identities of one label use like
 * tools, those of different labels may. A function of the identity's own words. 0 before it has learned a tool.
 */
export function labelOf({ u32, at }: Pick<StateRef, 'u32' | 'at'>): number {
  const found = mostCounted(u32, at + AT.tools, TOOL_ENTRIES, tools);
  if (found === 0) return 0;
  const [first = 0, second = first] = tools.subarray(0, found).toSorted();
  return mix(first, second);
}
