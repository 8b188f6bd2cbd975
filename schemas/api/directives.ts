import { z } from 'zod';
import {
  Budget,
  ChangeSessions,
  Directive,
  DirectiveReason,
  DirectiveScope,
  FindingMatch,
  OffsetBits,
  Touch,
} from '../directive.ts';
import { LIMITS } from '../limits.ts';
import { PrincipalRef } from '../principal.ts';
import { pageOf } from './shared.ts';

/** Who took something back, when (epoch milliseconds) and why. */
export const Ending = z.object({ by: PrincipalRef, when: z.int(), reason: z.string() });

export const DIRECTIVE_STATES = ['in_force', 'ended', 'expired'] as const;
export const DirectiveState = z.enum(DIRECTIVE_STATES);

export const DirectiveView = Directive.extend({ state: DirectiveState, ended: Ending.optional() });
export type DirectiveView = z.infer<typeof DirectiveView>;
export const DirectivePage = pageOf(DirectiveView);
export const DirectiveAnswer = z.object({ directive: DirectiveView });

/** How long: a span from the decision on, or a time; epoch milliseconds. */
const lasting = {
  for_ms: z.int().min(LIMITS.directive_ms_min).max(LIMITS.directive_ms_max).optional(),
  expires: z.int().min(0).max(LIMITS.time_ms_max).optional(),
} as const;
const whose = {
  identity: DirectiveScope.shape.identity,
  peer_group: DirectiveScope.shape.peer_group,
} as const;
const { detector, pattern, subject } = FindingMatch.shape;
const reason = DirectiveReason;

type Lasting = { readonly for_ms?: number | undefined; readonly expires?: number | undefined };
type Whose = { readonly identity?: string | undefined; readonly peer_group?: string | undefined };
const once = ({ for_ms, expires }: Lasting): boolean => for_ms === undefined || expires === undefined;
const atMostOne = ({ identity, peer_group }: Whose): boolean => identity === undefined || peer_group === undefined;
const ONCE = { error: 'says how long with for_ms or with expires, not with both', path: ['expires'] };
const AT_MOST_ONE = { error: 'names an identity or a peer group, not both', path: ['peer_group'] };

export const SuppressionBody = z
  .strictObject({ ...whose, detector, pattern, subject, reason, ...lasting })
  .refine(atMostOne, AT_MOST_ONE)
  .refine(({ for_ms, expires }) => (for_ms === undefined) !== (expires === undefined), {
    error: 'a suppression ends: say when, with for_ms or with expires',
    path: ['for_ms'],
  });

export const BudgetBody = z
  .strictObject({
    ...whose,
    alerts_per_1000_identity_days: Budget.optional(),
    detector: detector.unwrap().optional(),
    offset_bits: OffsetBits.optional(),
    mute: z.literal(true).optional(),
    reason,
    ...lasting,
  })
  .refine(atMostOne, AT_MOST_ONE)
  .refine(once, ONCE)
  .refine(
    ({ alerts_per_1000_identity_days, detector: named, offset_bits, mute }) =>
      alerts_per_1000_identity_days === undefined
        ? named !== undefined && (offset_bits === undefined) !== (mute === undefined)
        : named === undefined && offset_bits === undefined && mute === undefined,
    {
      error: 'gives alerts_per_1000_identity_days, or a detector with offset_bits or mute',
      path: ['alerts_per_1000_identity_days'],
    },
  );

export const ChangeBody = z
  .strictObject({
    ...whose,
    touches: z.array(Touch).min(1).max(Touch.options.length),
    version: z.string().min(1).max(LIMITS.id_chars_max).optional(),
    sessions: ChangeSessions.default(LIMITS.change_sessions_default),
    reason,
    ...lasting,
  })
  .refine(atMostOne, AT_MOST_ONE)
  .refine(once, ONCE);

export const EndBody = z.strictObject({ reason });
