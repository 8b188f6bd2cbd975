import type { Refusal } from '../../schemas/command.ts';
import type { FeedCursorError, RedeliverRefusal } from './ports.ts';

/**
 * Every code with which the API itself refuses, its HTTP status and what is said when there is nothing better to say.
 * Each has a line in docs/errors.md, and a test compares the two.
 */
const OWN = {
  request_invalid: [400, 'a part of the request does not have the right shape'],
  request_malformed: [400, 'this is not HTTP as we understand it'],
  url_malformed: [400, 'the URL holds a broken percent escape'],
  body_malformed: [400, 'the body is not JSON, or holds keys that no object may have'],
  body_empty: [400, 'the body is empty'],
  body_compression_damaged: [400, 'the body says it is gzip, and is not or not whole'],
  request_undecodable: [400, 'the request cannot be decoded'],
  mapping_unknown: [400, 'no mapping has this name'],
  mapping_missing: [400, 'no mapping is configured'],
  credential_missing: [401, 'no API key was given'],
  session_over: [401, 'you are not signed in any more'],
  sign_in_refused: [401, 'name and password do not fit, or this person cannot sign in'],
  sign_in_no_role: [403, 'you were recognised, and hold no role here'],
  csrf_refused: [403, 'the request does not come from a page of this service'],
  authentication_not_fresh: [403, 'the authentication was not made for this'],
  session_needed: [403, 'this needs a person who is signed in'],
  round_trip_lost: [400, 'the way to the provider and back was not made in this browser, or took too long'],
  provider_refused: [403, 'the provider did not let you in'],
  provider_unknown: [404, 'no provider has this name'],
  password_unsuitable: [400, 'this password will not do'],
  sign_in_limited: [429, 'too many attempts failed'],
  provider_unavailable: [503, 'the provider does not answer, or not as it should'],
  route_unknown: [404, 'there is nothing here'],
  alert_unknown: [404, 'no alert has this uid'],
  identity_unknown: [404, 'nothing is known of this identity'],
  webhook_id_unknown: [404, 'the feed holds no message with this webhook-id'],
  request_timeout: [408, 'the request did not arrive in time'],
  redelivery_active: [409, 'messages are being redelivered to this subscription'],
  body_too_large: [413, 'the body is too large'],
  batch_too_large: [413, 'the batch holds too many items'],
  url_too_long: [414, 'a part of the URL is too long'],
  content_type_unsupported: [415, 'this content type is not taken here'],
  content_encoding_unsupported: [415, 'this content encoding is not taken here'],
  too_many_failures: [429, 'too many requests with refused keys came from this address'],
  headers_too_large: [431, 'the headers are too large'],
  internal: [500, 'something failed on our side'],
  log_unavailable: [503, 'the event log cannot take or give anything now; nothing was acknowledged'],
  store_unavailable: [503, 'the store does not answer now'],
  command_undecided: [503, 'the command is durable and not decided yet'],
  too_busy: [503, 'too many requests of this kind are being served'],
  shutting_down: [503, 'the service is stopping'],
} as const satisfies Record<string, readonly [number, string]>;

/** Refusals of the responder: their messages are its own. */
const OF_COMMANDS: Record<Refusal, number> = {
  unknown_containment: 404,
  already_proposed: 409,
  already_approved: 409,
  already_approved_by_you: 409,
  already_denied: 409,
  already_cancelled: 409,
  already_dispatching: 409,
  already_succeeded: 409,
  already_failed: 409,
  outcome_unknown: 409,
  expired: 409,
  not_approved: 409,
  not_dispatching: 409,
  nothing_due: 409,
  digest_mismatch: 409,
  requester_cannot_approve: 403,
  requester_cannot_deny: 403,
  not_human: 403,
  role_missing: 403,
  quorum_lost: 409,
  deadline_passed: 409,
  principal_unknown: 404,
  credential_refused: 401,
  command_id_reused: 409,
  verdict_identity_mismatch: 409,
  verdict_scope_unclear: 409,
  nothing_to_undo: 409,
  directive_unknown: 404,
  directive_ended: 409,
  directive_too_wide: 409,
  directive_too_long: 409,
  directive_too_large: 409,
  principal_exists: 409,
  key_exists: 409,
  key_unknown: 404,
  already_revoked: 409,
  role_not_held: 409,
  approver_must_be_human: 409,
  last_admin: 409,
  subscription_unknown: 404,
  unknown_gap: 404,
  gap_already_open: 409,
  gap_already_decided: 409,
  gap_already_closed: 409,
  effect_not_watched: 409,
  effect_reported: 409,
  too_many: 409,
  fresh_authentication_needed: 403,
  excluded_by_policy: 403,
  policy_editor_excluded: 403,
  made_by_participant: 403,
  contained_cannot_decide: 403,
  break_glass_needed: 403,
  target_refused: 409,
  snapshot_mismatch: 409,
  nothing_changed: 409,
  not_amendable: 409,
  nothing_to_roll_back: 409,
  cannot_be_restored: 409,
  not_resolvable: 409,
  already_resolved: 409,
  policy_version_used: 409,
  session_exists: 409,
  session_unknown: 404,
  session_too_long: 409,
  link_refused: 401,
  not_local: 409,
  sign_in_mismatch: 403,
  step_up_untimely: 403,
  tenant_out_of_scope: 403,
};

const OF_CURSORS: Record<FeedCursorError, number> = {
  cursor_malformed: 400,
  cursor_version: 400,
  cursor_generation: 410,
  cursor_expired: 410,
  cursor_beyond_end: 410,
};

export type OwnCode = keyof typeof OWN;
export type ErrorCode = OwnCode | Refusal | FeedCursorError;

export const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  ...(Object.fromEntries(Object.entries(OWN).map(([code, [status]]) => [code, status])) as Record<OwnCode, number>),
  ...OF_COMMANDS,
  ...OF_CURSORS,
};

/** Codes that only the API has, and those of cursors; the responder's stand in schemas/command.ts. */
export const OWN_CODES = Object.keys(OWN) as readonly OwnCode[];
/** What is said by default of what the API itself refuses. */
export const DEFAULT_MESSAGES: ReadonlyMap<string, string> = new Map(
  Object.entries(OWN).map(([code, [, message]]) => [code, message]),
);
export const CURSOR_CODES = Object.keys(OF_CURSORS) as readonly FeedCursorError[];

export type RefusalDetails = {
  readonly field?: string;
  readonly remedy?: string;
  /** Sent as Retry-After. */
  readonly retry_after_s?: number;
};

/** What a handler returns instead of an answer. */
export class Refused {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: RefusalDetails;

  constructor(code: ErrorCode, message: string, details: RefusalDetails) {
    this.code = code;
    this.message = message;
    this.details = details;
  }
}

/** A refusal in its own words, or in those of its code. */
export function refuse(code: OwnCode, details: RefusalDetails & { readonly message?: string } = {}): Refused {
  const { message, ...rest } = details;
  return new Refused(code, message ?? OWN[code][1], rest);
}

/** A refusal that another stage worded. */
export function refuseAs(
  code: Refusal | FeedCursorError | RedeliverRefusal,
  message: string,
  details: RefusalDetails = {},
): Refused {
  return new Refused(code, message, details);
}
