import { createHash } from 'node:crypto';
import type { Command, Outcome } from '../../schemas/command.ts';
import type {
  Directive,
  DirectiveChange,
  DirectiveEffect,
  DirectiveScope,
  FindingMatch,
} from '../../schemas/directive.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { DetectRecord } from '../../schemas/record.ts';
import { type DirectiveStanding, lastStanding, standingAt } from '../control/directives.ts';
import { standingOf } from '../control/keys.ts';
import { type EventLog, type NewRecord, TOPICS } from '../platform/event-log.ts';
import { identityKey, partitionOf } from '../platform/partitioner.ts';
import { audit, refusal, type Turn, write } from './turn.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;
type Cause = { readonly by: Command['by']; readonly id: string };

/** A step that the partitions have to learn of: that of the identity where there is one, else all. */
export type Announcement = {
  readonly change: DirectiveChange;
  readonly identity: string | undefined;
  /** Only this one needs to hear of it. */
  readonly partition?: number;
};

/** Puts what somebody told detection into force. */
export function set(turn: Turn, command: Of<'directive_set'>): Outcome {
  const { tenant, scope, effect, reason, expires, for_ms } = command.directive;
  const { human, roles } = standingOf(turn.state, command.by, command.credential);
  if (needsAdmin(effect, scope) && !roles.includes('admin')) {
    return refusal('role_missing', 'budgets, detectors and what is about a whole tenant need the role admin');
  }
  // An agent that holds a key must not be able to keep its own alerts from being seen.
  if (effect.kind !== 'change' && !human) return refusal('not_human', 'only humans say what need not be seen');
  if (isTooWide(effect, scope)) {
    return refusal('directive_too_wide', 'name an identity, a peer group or, for findings, what they are like');
  }
  const { now } = turn.context;
  const until = expires ?? (for_ms === undefined ? defaultExpiry(effect, now) : now + for_ms);
  if (isTooLong(effect, until, now)) {
    const days = (ms: number): number => ms / (24 * 3_600_000);
    const most = days(effect.kind === 'change' ? LIMITS.change_ms_max : LIMITS.directive_ms_max);
    return refusal('directive_too_long', `it must last at least a minute and at most ${most} days, and say how long`);
  }
  const directive: Directive = {
    uid: directiveUid(command.id),
    tenant,
    scope,
    effect,
    author: authorOf(command.by),
    reason,
    time: now,
    ...(until !== undefined && { expires: until }),
  };
  const refused = admit(turn, directive);
  if (refused !== undefined) return refused;
  enact(turn, directive, command);
  return { kind: 'done', subject: directive.uid, state: 'in_force' };
}

/** Ends one by a new record; what it did stays done. */
export function end(turn: Turn, command: Of<'directive_end'>): Outcome {
  const known = turn.state.directives.get(command.directive);
  if (known === undefined) return refusal('directive_unknown', 'no directive has this uid, or it ended long ago');
  const { effect, scope } = known.directive;
  const { human, roles } = standingOf(turn.state, command.by, command.credential);
  if (needsAdmin(effect, scope) && !roles.includes('admin')) return refusal('role_missing', 'it needs the role admin');
  if (effect.kind !== 'change' && !human) return refusal('not_human', 'only humans say what need not be seen');
  if (standingAt(known, turn.context.now) !== 'in_force') {
    return refusal('directive_ended', 'it has ended already, or expired');
  }
  finish(turn, known, command, command.reason);
  return { kind: 'done', subject: command.directive, state: 'ended' };
}

/** What a verdict leaves behind beyond its alert, ready to be put into force; nothing for the scope `alert`. */
export function ofVerdict(turn: Turn, command: Of<'verdict'>): Directive | Outcome | undefined {
  const { scope = 'alert', about, alert_uid, verdict } = command;
  if (scope === 'alert') return undefined;
  if (about === undefined) return refusal('verdict_scope_unclear', 'the command does not say what the alert is about');
  const effect: DirectiveEffect = { kind: verdict === 'true_positive' ? 'watch' : 'suppress' };
  if (effect.kind === 'suppress' && !standingOf(turn.state, command.by, command.credential).human) {
    return refusal('not_human', 'only humans say what need not be seen; give the verdict with the scope alert');
  }
  const { now } = turn.context;
  // What was judged expected on one identity is expected for good; everything else is looked at again.
  const for_good = verdict === 'expected_change' && scope === 'pattern' && command.for_ms === undefined;
  const expires = for_good ? undefined : now + (command.for_ms ?? LIMITS.directive_verdict_ms);
  if (expires !== undefined && isTooLong(effect, expires, now)) {
    return refusal('directive_too_long', 'it must last at least a minute and at most a year');
  }
  const directive: Directive = {
    uid: directiveUid(command.id),
    tenant: command.tenant,
    scope: scopeOf(command, about),
    effect,
    author: authorOf(command.by),
    reason: command.comment === undefined || command.comment.trim() === '' ? `verdict ${verdict}` : command.comment,
    time: now,
    ...(expires !== undefined && { expires }),
    cause: { alert_uid, verdict },
  };
  const bounded = withinBytes(directive);
  return admit(turn, bounded) ?? bounded;
}

/** A later judgement of an alert takes the place of an earlier one, and so does what it leaves behind. */
export function replaceOfAlert(turn: Turn, uid: string, cause: Cause, reason: string): void {
  for (const standing of [...turn.state.directives.values()]) {
    if (standing.directive.cause?.alert_uid !== uid) continue;
    if (standingAt(standing, turn.context.now) === 'in_force') finish(turn, standing, cause, reason);
  }
}

/** Withdraws the last judgement of an alert that stands, and ends what it left behind. */
export function undo(turn: Turn, command: Of<'verdict_undo'>): Outcome {
  const { alert_uid, reason } = command;
  const last = lastStanding(turn.state.verdicts.get(alert_uid) ?? []);
  if (last === undefined) return refusal('nothing_to_undo', 'the alert has no judgement that stands');
  const what = `verdict ${last.verdict} withdrawn`;
  write(turn, {
    ...audit(turn, { who: command.by, what, command: command.id }),
    kind: 'verdict_undone',
    alert_uid,
    reason,
  });
  replaceOfAlert(turn, alert_uid, command, reason);
  return { kind: 'done', subject: alert_uid, state: 'undone' };
}

export function enact(turn: Turn, directive: Directive, { by, id }: Cause): void {
  const what = `directive ${directive.uid} set: ${directive.effect.kind}`;
  write(turn, { ...audit(turn, { who: by, what, command: id }), kind: 'directive_set', directive });
  turn.announcements.push({ change: { op: 'set', directive }, identity: keyOf(directive) });
}

/**
 * Tells a partition everything again: behind a gap nobody knows which records were passed over. Whoever knows a step
 * already is not changed by it.
 */
export function announceAgain(turn: Turn, partition: number): void {
  for (const standing of turn.state.directives.values()) {
    const { directive, ended } = standing;
    if (standingAt(standing, turn.context.now) === 'in_force') {
      turn.announcements.push({ change: { op: 'set', directive }, identity: keyOf(directive), partition });
    } else if (ended !== undefined) {
      turn.announcements.push({ ...endOf(directive, authorOf(ended.by), ended), partition });
    }
  }
}

/** Records of the partitions that are concerned. */
export async function directiveRecords(log: EventLog, announcements: readonly Announcement[]): Promise<NewRecord[]> {
  if (announcements.length === 0) return [];
  const { partitions } = await log.describe(TOPICS.events);
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  return announcements.flatMap(({ change, identity, partition: only }) => {
    const record: DetectRecord = { type: 'directive', change };
    const value = Buffer.from(JSON.stringify(record));
    const concerned = identity === undefined ? all : [partitionOf(identity, partitions)];
    const told = concerned.filter((partition) => only === undefined || partition === only);
    return told.map((partition) => ({
      topic: TOPICS.events,
      partition,
      key: identity ?? record.type,
      value,
    }));
  });
}

function finish(turn: Turn, { directive }: DirectiveStanding, { by, id }: Cause, reason: string): void {
  const { uid } = directive;
  const what = `directive ${uid} ended`;
  write(turn, { ...audit(turn, { who: by, what, command: id }), kind: 'directive_ended', directive: uid, reason });
  turn.announcements.push(endOf(directive, authorOf(by), { when: turn.context.now, reason }));
}

function endOf(
  directive: Directive,
  author: string,
  { when, reason }: { readonly when: number; readonly reason: string },
): Announcement {
  return { change: { op: 'end', directive: directive.uid, author, reason, time: when }, identity: keyOf(directive) };
}

function admit(turn: Turn, directive: Directive): Outcome | undefined {
  if (bytesOf(directive) > LIMITS.directive_bytes_max) {
    return refusal('directive_too_large', `as JSON it has more than ${LIMITS.directive_bytes_max} bytes`);
  }
  let standing = 0;
  for (const one of turn.state.directives.values()) {
    if (standingAt(one, turn.context.now) === 'in_force') standing += 1;
  }
  if (standing < LIMITS.directives_in_force_max) return undefined;
  return refusal('too_many', `at most ${LIMITS.directives_in_force_max} directives are in force; end some first`);
}

/** Of what an alert shows, the strongest that there is room for. */
function withinBytes(directive: Directive): Directive {
  let kept = directive;
  while (bytesOf(kept) > LIMITS.directive_bytes_max && (kept.scope.matches?.length ?? 0) > 1) {
    kept = { ...kept, scope: { ...kept.scope, matches: kept.scope.matches?.slice(0, -1) } };
  }
  return kept;
}

/**
 * Silence stays as narrow as its scope allows, and caution goes wide: an identity on which an alert was real is watched in
 * all that it does, while one on which it was harmless may do what the alert showed, to whatever it does it.
 */
function scopeOf(
  { scope, verdict, identity }: Of<'verdict'>,
  { peer_group, matches }: NonNullable<Of<'verdict'>['about']>,
): DirectiveScope {
  if (scope === 'group') return { peer_group, matches };
  if (scope === 'pattern') return { identity, matches };
  return verdict === 'true_positive' ? { identity } : { identity, matches: patternsOf(matches) };
}

function patternsOf(matches: readonly FindingMatch[]): FindingMatch[] {
  const patterns = new Set(matches.flatMap(({ pattern }) => pattern ?? []));
  return [...patterns].map((pattern) => ({ pattern }));
}

function needsAdmin({ kind }: DirectiveEffect, { identity, peer_group }: DirectiveScope): boolean {
  if (kind === 'budget' || kind === 'detector_offset' || kind === 'detector_mute') return true;
  return identity === undefined && peer_group === undefined;
}

function isTooWide({ kind }: DirectiveEffect, { identity, peer_group, matches }: DirectiveScope): boolean {
  if (identity !== undefined || peer_group !== undefined) return false;
  if (kind === 'suppress' || kind === 'watch') return matches === undefined;
  return kind === 'budget' || kind === 'change';
}

function defaultExpiry({ kind }: DirectiveEffect, now: number): number | undefined {
  return kind === 'change' ? now + LIMITS.change_ms_default : undefined;
}

function isTooLong({ kind }: DirectiveEffect, until: number | undefined, now: number): boolean {
  if (until === undefined) return kind === 'suppress' || kind === 'watch';
  const most = kind === 'change' ? LIMITS.change_ms_max : LIMITS.directive_ms_max;
  return until < now + LIMITS.directive_ms_min || until > now + most;
}

const keyOf = ({ tenant, scope }: Directive): string | undefined =>
  scope.identity === undefined ? undefined : identityKey(tenant, scope.identity);

const authorOf = ({ issuer, subject }: Command['by']): string => `${issuer}/${subject}`;

const bytesOf = (directive: Directive): number => Buffer.byteLength(JSON.stringify(directive));

/** One command makes one directive, whose name follows from that of the command. */
function directiveUid(command: string): string {
  return createHash('sha256').update(`directive\u0000${command}`).digest('hex').slice(0, 32);
}
