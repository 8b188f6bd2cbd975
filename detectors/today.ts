import { type Features, OUTCOME } from './features.ts';
import { AT, TODAY_ENTRIES } from './layout.ts';
import { countOf, countTableWords, increment } from './math/count-table.ts';
import { mix } from './math/hash.ts';
import type { StateRef } from './state.ts';

/** How often each tool and store was used today, failed calls and exact repeats left out (tool-usage/mix-shift.ts judges it). */
export const TODAY = { tool: 0x0700100, store: 0x0570e } as const;
export type TodayKind = (typeof TODAY)[keyof typeof TODAY];

export function isFailed({ outcome }: Features): boolean {
  return outcome === OUTCOME.error || outcome === OUTCOME.denied;
}

export function timesToday({ u32, at }: Pick<StateRef, 'u32' | 'at'>, kind: TodayKind, hash: number): number {
  return countOf(u32, at + AT.today, TODAY_ENTRIES, mix(kind, hash));
}

/** A call that neither failed nor repeats one of its session joins the counts of today. */
export function observeToday({ u32, at }: Pick<StateRef, 'u32' | 'at'>, f: Features): void {
  increment(u32, at + AT.today, TODAY_ENTRIES, mix(TODAY.tool, f.tool));
  if (f.store !== 0) increment(u32, at + AT.today, TODAY_ENTRIES, mix(TODAY.store, f.store));
}

/** The day is over. */
export function closeToday({ u32, at }: Pick<StateRef, 'u32' | 'at'>): void {
  u32.fill(0, at + AT.today, at + AT.today + countTableWords(TODAY_ENTRIES));
}
