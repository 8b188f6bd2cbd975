import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { NAMESPACE } from '../features.ts';
import { learnName } from '../names.ts';
import { bounded, ofHistory, quoted, times } from '../sentences.ts';
import { nameBits, nameProbability, ownNameCount } from '../yardstick.ts';

function aboveHabit(c: Context): boolean {
  for (let level = Math.max(1, c.f.level); level <= 3; level++) {
    if (ownNameCount(c, NAMESPACE.level, level + 2) > 0) return false;
  }
  return c.f.level >= 2;
}

/**
 * Data of a class that this identity seldom or never touches.
 *
 * Statistics: the share of the class in the identity's uses, smoothed by its peers' (additive smoothing, 8 uses), bounded by
 * Laplace's rule of succession. State: part of the 48 counts of small vocabularies. Never excused by a declared change.
 *
 * Wrong where classifications are missing or put on late; blind for more of a class that is usual (sensitivity_creep).
 */
export const sensitivity: Detector = {
  name: 'sensitivity',
  family: 'retrieval_pattern',
  weighed: 'operation',
  voice: 0.4,

  score: (c) => (c.f.classification === 0 ? 0 : nameBits(c, NAMESPACE.classification, c.f.classification)),

  learn(lesson) {
    const { classification, level } = lesson.record;
    if (classification === 0) return;
    learnName(lesson, NAMESPACE.classification, classification);
    learnName(lesson, NAMESPACE.level, level + 2);
  },

  explain(c, bits) {
    const value = c.f.event?.resources[c.f.sensitive]?.classification ?? 'unknown';
    const own = ownNameCount(c, NAMESPACE.classification, c.f.classification);
    const reached = aboveHabit(c);
    return {
      pattern: reached ? 'sensitivity_reached' : own === 0 ? 'first_seen_classification' : 'rare_classification',
      subject: { kind: 'classification', value },
      observed: { name: 'uses of this classification before', value: own, unit: 'events' },
      expected: {
        name: 'probability of this classification',
        value: bounded(nameProbability(c, NAMESPACE.classification, c.f.classification), bits),
        unit: 'probability',
      },
      basis: 'identity',
      sentence: `Data classified ${quoted(value)} was ${own === 0 ? 'never touched by this identity' : `touched by this identity only ${times(own)}`} ${ofHistory(c)}${reached ? ', nor was anything as sensitive' : ''}.`,
    };
  },
};
