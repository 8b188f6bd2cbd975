import { UNITS } from '../../schemas/limits.ts';
import type { Context } from '../context.ts';
import type { Detector } from '../detector.ts';
import { KIND, keyOf } from '../group.ts';
import { AT, MEASURES, RHYTHM_SLOTS } from '../layout.ts';
import { mix } from '../math/hash.ts';
import { log2, surpriseFrom } from '../math/logarithm.ts';
import type { PriorGroup } from '../prior.ts';
import { activeHours, slotOf, WEIGHT_MAX } from '../rhythm.ts';
import { percent, times } from '../sentences.ts';
import { TRACE } from '../trace.ts';
import { MEASURE, SPAN } from '../windows.ts';

const HOURS = 24;
/** Days after which an identity was seen on every day of the week and on a whole weekend. */
const DAYS_MIN = 9;
/** Own active hours that the peers' habit weighs. */
const LEAN = 8;
/** Seen so often in an hour, an identity is at home in it. */
const HABIT = WEIGHT_MAX / 2;
const NAMESPACE_HOUR = 0x0a0f;
const HOUR_KEYS = Array.from({ length: RHYTHM_SLOTS }, (_, slot) => keyOf(KIND.name, mix(NAMESPACE_HOUR, slot + 1)));

/** The slots an hour before and after, of the same kind of day. */
const BEFORE = Uint8Array.from({ length: RHYTHM_SLOTS }, (_, slot) =>
  slot % HOURS === 0 ? slot + HOURS - 1 : slot - 1,
);
const AFTER = Uint8Array.from({ length: RHYTHM_SLOTS }, (_, slot) =>
  slot % HOURS === HOURS - 1 ? slot - HOURS + 1 : slot + 1,
);

const found = { slot: 0, probability: 1, own: 0 };

/** Share of own active hours that fall into hours of the week at least as quiet as this one; their number in `found`. */
function ownTail(c: Context, slot: number): number {
  const here = Math.max(
    activeHours(c, slot),
    activeHours(c, BEFORE[slot] as number),
    activeHours(c, AFTER[slot] as number),
  );
  let total = 0;
  let quiet = 0;
  for (let one = 0; one < RHYTHM_SLOTS; one++) {
    const active = activeHours(c, one);
    total += active;
    if (active <= here) quiet += active;
  }
  found.own = total;
  return (quiet + 0.5) / (total + 1);
}

const tails = new WeakMap<PriorGroup, Float64Array>();

/** The same of the sessions of the peers, worked out once for every prior; 1 where they taught nothing. */
function peersTail(c: Context, slot: number): number {
  if (c.peers === undefined) return 1;
  let known = tails.get(c.peers);
  if (known === undefined) {
    known = tailsOf(c.peers);
    tails.set(c.peers, known);
  }
  return known[slot] as number;
}

function tailsOf(peers: PriorGroup): Float64Array {
  const counts = HOUR_KEYS.map((key) => peers.count(key));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return new Float64Array(RHYTHM_SLOTS).fill(1);
  return Float64Array.from(counts, (count, slot) => {
    const here = Math.max(count, counts[BEFORE[slot] as number] as number, counts[AFTER[slot] as number] as number);
    const quiet = counts.reduce((sum, other) => (other <= here ? sum + other : sum), 0);
    return (quiet + 0.5) / (total + 1);
  });
}

function look(c: Context): number {
  found.probability = 1;
  found.own = 0;
  if ((c.windows.totals[SPAN.hour * MEASURES + MEASURE.calls] as number) < 0) return 0;
  const slot = slotOf(c.windows.index[SPAN.hour] as number);
  found.slot = slot;
  if (activeHours(c, slot) >= HABIT) return 0;
  const seconds = (c.u32[c.at + AT.last_s] as number) - (c.u32[c.at + AT.first_s] as number);
  const days = (seconds * UNITS.SECOND_MS) / UNITS.DAY_MS;
  if (days < DAYS_MIN) return 0;
  const own = ownTail(c, slot);
  found.probability = (own * found.own + peersTail(c, slot) * LEAN) / (found.own + LEAN);
  const bits = surpriseFrom(found.own + (c.peers?.sessions ?? 0), found.probability);
  // Each active hour is a look: log2 of those of a day is their price (Bonferroni).
  return Math.max(0, bits - log2(Math.max(1, found.own / days)));
}

/**
 * Activity in an hour of the week (hour of the day; working days and weekends apart; UTC) in which the identity and its
 * peers hardly ever act.
 *
 * Statistics: of the hours of the clock in which the identity was active, the share that fell into slots no busier than
 * this one or its neighbours, a tail mass (Good 1953), blended with the same of the sessions of the peers. A slot counts
 * at most 20 hours (rhythm.ts), so a long habit does not make a younger one strange. Night shifts, timers and other time
 * zones are habits like any other; the neighbours cover summer time. Nothing is said of an identity that was seen for less
 * than nine days. Each active hour of a day is a look and paid for; the hour corroborates, so it speaks with half a voice.
 *
 * State: none of its own but the rhythm's weights; two words of the session; 48 counts of the group.
 *
 * Wrong for an identity that people call on at any hour but seldom, and in weeks of holidays or on-call duty: the hour alone
 * never makes an alert (combine.ts). Blind for what works around the clock.
 */
export const accessHour: Detector = {
  name: 'access_hour',
  family: 'access_context',
  weighed: 'context',
  voice: 0.5,
  score: look,
  learnSession({ group, trace, trust }) {
    for (let first = 0; first < RHYTHM_SLOTS; first += 32) {
      let word = trace.get(TRACE.hours + (first >>> 5));
      for (let slot = first; word !== 0; slot++, word >>>= 1) {
        if ((word & 1) === 1) group.add(HOUR_KEYS[slot] as number, trust);
      }
    }
  },
  explain(c) {
    look(c);
    const hour = `${String(found.slot % HOURS).padStart(2, '0')}:00`;
    const days = found.slot < HOURS ? 'a working day' : 'a weekend';
    const seen = activeHours(c, found.slot);
    const habit = seen === 0 ? 'was never seen active before' : `was seen active only ${times(seen)}`;
    return {
      pattern: 'unusual_hour',
      subject: { kind: 'hour', value: `${hour} UTC on ${days}` },
      observed: { name: 'times active in this hour before', value: seen },
      expected: { name: 'share of activity in hours so quiet', value: found.probability, unit: 'probability' },
      basis: found.own > 0 ? 'identity' : c.basis,
      sentence: `The identity acts at ${hour} UTC on ${days}, an hour in which it ${habit}; about ${percent(found.probability)} of its usual activity falls into hours so quiet.`,
    };
  },
};
