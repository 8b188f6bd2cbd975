import type { Lesson } from './detector.ts';
import { KIND, keyOf } from './group.ts';
import { AT, NAME_ENTRIES } from './layout.ts';
import { increment } from './math/count-table.ts';
import { mix } from './math/hash.ts';

/** Counts a value of a small vocabulary, and the vocabulary as a whole, for identity and group. */
export function learnName(lesson: Lesson, namespace: number, value: number): void {
  for (const hash of [mix(namespace, 1), mix(namespace, value)]) {
    increment(lesson.state.u32, lesson.state.at + AT.names, NAME_ENTRIES, hash);
    lesson.group.add(keyOf(KIND.name, hash), lesson.trust);
  }
}
