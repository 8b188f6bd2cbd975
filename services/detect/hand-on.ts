import type { FindingDraft, Model, Score, ScoreInput } from '../../detectors/contract.ts';
import { sensitivityOf } from '../../detectors/features.ts';
import { SUBJECT_BITS, subjectsOf } from '../../detectors/stories/subjects.ts';
import type { AlertIdentity } from '../../schemas/finding.ts';
import type { HandedFinding } from '../../schemas/handed.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { stableId } from './alerts.ts';
import type { Thresholds } from './policy.ts';

/**
 * What of a surprising event is handed on to the worker of stories over several identities. That worker sees what many
 * identities do, so it is told of weaker surprises than are stored or shown: from this share of a finding's bits on,
 * where something that the event names is new to the identity.
 */
const HANDED_SHARE = 0.65;

/** Whether the event by itself surprises enough to be handed on. */
export function isHandedOn({ bits }: Score, { finding_bits }: Thresholds): boolean {
  return bits >= finding_bits * HANDED_SHARE;
}

/** Whether the event may be a finding, or surprise enough to be handed on: all but one in hundreds do not. */
export function isWorthALook(model: Model, input: ScoreInput, score: Score, thresholds: Thresholds): boolean {
  return isHandedOn(score, thresholds) || model.apart(input, score.parts) !== undefined;
}

/** Whether the step of a partition's clock is worth telling: stories end by time as well. */
export function passesTick(before_ms: number, now_ms: number): boolean {
  return Math.floor(now_ms / LIMITS.story_tick_ms) > Math.floor(before_ms / LIMITS.story_tick_ms);
}

/** How much weaker a part may be than a part that is a finding by itself, in bits. */
const PART_BITS_MIN = 3;

export type Surprise = {
  readonly input: ScoreInput;
  readonly score: Score;
  readonly recorded: boolean;
  readonly group: string;
  readonly identity: AlertIdentity;
  /** Number of the event among those of its identity. */
  readonly serial: number;
  readonly alert_uid: string | undefined;
};

/** The record of a surprise that is a finding, explained already. */
export function handedFinding(surprise: Surprise, drafts: readonly FindingDraft[]): HandedFinding | undefined {
  const [strongest] = drafts;
  if (strongest === undefined) return undefined;
  const { input, score, recorded, group, identity, serial, alert_uid } = surprise;
  const { event, log_ms } = input;
  const { operation } = event.action;
  const resources = event.resources.slice(0, LIMITS.handed_subjects_max);
  return {
    type: 'finding',
    at: log_ms,
    recorded,
    id: stableId('handed', event.tenant, identity.id, event.key, String(serial)),
    tenant: event.tenant,
    identity,
    group,
    event: { key: event.key, id: event.id, time: event.time },
    ...(event.session === undefined ? {} : { session: event.session }),
    operation,
    sensitivity: event.resources.reduce((most, one) => Math.max(most, sensitivityOf(one.classification)), -1),
    bits: score.bits,
    detector: strongest.detector,
    pattern: strongest.pattern,
    sentence: strongest.sentence.slice(0, LIMITS.story_sentence_chars_max),
    patterns: [...new Set(drafts.map(({ pattern }) => pattern))].slice(0, LIMITS.handed_patterns_max),
    subjects: subjectsOf(event, drafts),
    ...(operation === 'delegate' ? { hands_to: resources.map(({ id }) => id) } : {}),
    ...(alert_uid === undefined ? {} : { alert_uid }),
  };
}

/** The record of one that is too weak for a finding; undefined where it names nothing new. Call between score and observe. */
export function handedWeakly(model: Model, surprise: Surprise): HandedFinding | undefined {
  if (Math.max(...surprise.score.parts) < SUBJECT_BITS) return undefined;
  const record = handedFinding(surprise, model.explain(surprise.input, surprise.score, PART_BITS_MIN));
  return record === undefined || record.subjects.length === 0 ? undefined : record;
}
