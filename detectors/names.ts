import type { Lesson } from './detector.ts';
import { ALL_OF } from './features.ts';
import { KIND, keyOf } from './group.ts';
import { AT, NAME_ENTRIES } from './layout.ts';
import { increment } from './math/count-table.ts';
import { mix } from './math/hash.ts';

/** Counts a value of a small vocabulary, and the vocabulary as a whole, for identity and group. */
export function learnName(lesson: Lesson, namespace: number, value: number): void {
  learnOne(lesson, ALL_OF[namespace] as number);
  learnOne(lesson, mix(namespace, value));
}

function learnOne({ state, part, trust }: Lesson, hash: number): void {
  increment(state.u32, state.at + AT.names, NAME_ENTRIES, hash);
  part.add(keyOf(KIND.name, hash), trust);
}
