import type { Context } from './context.ts';
import { RESOURCES_MAX } from './features.ts';
import { KIND, keyOf } from './group.ts';
import { AT, BIGRAM_ENTRIES, RESOURCE_ENTRIES, TOOL_ENTRIES } from './layout.ts';
import { countOf, totalOf } from './math/count-table.ts';
import { mix } from './math/hash.ts';
import { TRACE } from './trace.ts';

/** Stands for "no tool yet". */
const START = 0x5eed5eed;
const ANY = 0x0a11a11a;

/** Where a session stands: after this tool, and after these two. */
export const placeAfter = (previous: number): number => mix(previous || START, 1);
export const placeAfterTwo = (before: number, previous: number): number =>
  mix(mix(before || START, previous || START), 2);
/** Keys of a place, whatever came there, and of a tool that came there. */
export const anyAt = (place: number): number => mix(place, ANY);
export const toolAt = (place: number, tool: number): number => mix(place, tool);

/**
 * What the identity and its peers have counted of the tool, its place and the resources at hand. Several detectors ask for
 * the same counts, so each is looked up once for an event.
 */
export class AtHand {
  /** Own calls of the tool and of all tools, and those that the peers and the nearest group taught. */
  tool = 0;
  tools = 0;
  peers_tool = 0;
  near_tool = 0;
  /** Own uses of each resource and of all resources, and uses that the nearest group taught. */
  readonly resource = new Uint32Array(RESOURCES_MAX);
  resources = 0;
  readonly near_resource = new Uint32Array(RESOURCES_MAX);
  /** After the tool before it: whatever came, and this tool; by own habit and by the peers'. */
  came = 0;
  came_tool = 0;
  peers_came = 0;
  peers_came_tool = 0;

  read(c: Context): void {
    const { u32, at, f, near, peers, trace } = c;
    this.tool = countOf(u32, at + AT.tools, TOOL_ENTRIES, f.tool);
    this.tools = totalOf(u32, at + AT.tools);
    const tool = keyOf(KIND.tool, f.tool);
    this.peers_tool = peers === undefined ? 0 : peers.count(tool);
    this.near_tool = near === peers ? this.peers_tool : near === undefined ? 0 : near.count(tool);
    this.resources = totalOf(u32, at + AT.resources);
    for (let i = 0; i < f.resources; i++) {
      const hash = f.resource[i] as number;
      this.resource[i] = countOf(u32, at + AT.resources, RESOURCE_ENTRIES, hash);
      this.near_resource[i] = near === undefined ? 0 : near.count(keyOf(KIND.resource, hash));
    }
    const place = placeAfter(trace.get(TRACE.previous));
    const any = anyAt(place);
    const one = toolAt(place, f.tool);
    this.came = countOf(u32, at + AT.bigrams, BIGRAM_ENTRIES, any);
    this.came_tool = countOf(u32, at + AT.bigrams, BIGRAM_ENTRIES, one);
    this.peers_came = peers === undefined ? 0 : peers.count(keyOf(KIND.order1, any));
    this.peers_came_tool = peers === undefined ? 0 : peers.count(keyOf(KIND.order1, one));
  }
}
