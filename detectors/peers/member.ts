import type { CanonicalEvent } from '../../schemas/event.ts';
import { type Group, MEMBER_WORDS } from '../group.ts';
import { AT } from '../layout.ts';
import { markDistinct } from '../math/distinct.ts';
import { hashText } from '../math/hash.ts';
import type { StateRef } from '../state.ts';
import { DECLARED, TRACE, type Trace } from '../trace.ts';
import { labelOf } from './label.ts';
import { partOf } from './parts.ts';

/**
 * Learned sessions before an identity teaches the part of its label: the label of a first session is good enough to choose
 * a yardstick by, but a part for each would be a crowd of small ones.
 */
const SESSIONS_BEFORE = 8;

/** Notes who the identity is, and whether its session declares a peer group. */
export function noteMember(u32: Uint32Array, at: number, trace: Trace, event: CanonicalEvent): void {
  if (u32[at + AT.peer_member] === 0) u32[at + AT.peer_member] = hashText(event.identity.id);
  if (event.identity.peer_group !== undefined) trace.u32[TRACE.known] = (trace.u32[TRACE.known] as number) | DECLARED;
}

/** What a session that is being learned teaches of tools, resources and amounts: the part of its label, or the group. */
export function homeOf({ u32, at }: StateRef, trace: Trace, group: Group): Group {
  const label = u32[at + AT.peer_label] as number;
  const declared = (trace.get(TRACE.known) & DECLARED) !== 0;
  const early = (u32[at + AT.sessions] as number) <= SESSIONS_BEFORE;
  const home = declared || early || label === 0 ? group : partOf(group, label);
  markDistinct(home.members, 0, MEMBER_WORDS, u32[at + AT.peer_member] as number);
  return home;
}

/** Looks at the label anew whenever the learned sessions have doubled, so that it changes seldom. */
export function relabel(state: StateRef): void {
  const { u32, at } = state;
  const sessions = u32[at + AT.sessions] as number;
  if (u32[at + AT.peer_label] === 0 || (sessions & (sessions - 1)) === 0) u32[at + AT.peer_label] = labelOf(state);
}
