import type { Context } from './context.ts';
import { type Group, KIND, keyOf, TRUST_FULL } from './group.ts';
import { AT, NEW_TOOLS } from './layout.ts';

/**
 * What several members of a group began to do, each by itself, is news of the group and no attack on one of them, even
 * where every one of these sessions was held by an alert and none was learned. So each identity keeps the last tools
 * that were new to it, and tells its group of each of them once.
 */
const SENT = 1;

/** Notes the tool when the identity has not learned it. */
export function noteNewTool(c: Context): void {
  if (!isNewTool(c)) return;
  const tool = c.f.tool & ~SENT;
  const first = c.at + AT.new_tools;
  for (let i = NEW_TOOLS - 1; i > 0; i--) c.u32[first + i] = c.u32[first + i - 1] as number;
  c.u32[first] = tool;
}

/** Whether the identity has not learned the tool, and has not been seen with it lately either. */
export function isNewTool(c: Context): boolean {
  return c.known.tool === 0 && !hasNoted(c, c.f.tool & ~SENT);
}

function hasNoted(c: Context, tool: number): boolean {
  const first = c.at + AT.new_tools;
  for (let i = 0; i < NEW_TOOLS; i++) {
    if (((c.u32[first + i] as number) & ~SENT) === tool) return true;
  }
  return false;
}

/** Tells the group of the tools it has not been told of. */
export function vouch(u32: Uint32Array, at: number, group: Group): void {
  for (let i = at + AT.new_tools; i < at + AT.new_tools + NEW_TOOLS; i++) {
    const tool = u32[i] as number;
    if (tool === 0 || (tool & SENT) === SENT) continue;
    group.add(keyOf(KIND.voucher, tool), TRUST_FULL);
    u32[i] = tool | SENT;
  }
}

/** Other members of the group that began to use the tool at hand; 0 where the group has learned it, which says more. */
export function vouchers(c: Context): number {
  if (c.near === undefined || c.known.near_tool > 0) return 0;
  const tool = c.f.tool & ~SENT;
  const all = c.near.count(keyOf(KIND.voucher, tool));
  if (all === 0) return 0;
  for (let i = c.at + AT.new_tools; i < c.at + AT.new_tools + NEW_TOOLS; i++) {
    if (c.u32[i] === (tool | SENT) >>> 0) return all - 1;
  }
  return all;
}
