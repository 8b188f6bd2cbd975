import { UNITS } from './units.ts';

const { SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS } = UNITS;

/** Bounds of notifications: part of LIMITS. */
export const NOTIFY_LIMITS = {
  /** How long a proposal waits for others of its alert before people are told, and how long before its end again. */
  notify_debounce_ms: 15 * SECOND_MS,
  notify_remind_before_ms: 1 * HOUR_MS,
  notify_recipients_max: 64,
  notify_chats_max: 16,
  /** Connections to the mail server at the same time, and how long each step of one may take. */
  notify_mail_connections_max: 4,
  notify_mail_step_ms: 10 * SECOND_MS,
  notify_timeout_ms: 15 * SECOND_MS,
  notify_response_bytes_max: 1024,
  /** First and longest pause between two attempts of a message. */
  notify_retry_ms: 2 * SECOND_MS,
  notify_retry_ms_max: 5 * MINUTE_MS,
  /** A message that cannot be brought is given up after so long; one that is refused after so many attempts. */
  notify_give_up_ms: 1 * DAY_MS,
  notify_refusals_max: 6,
  /** Proposals of so many alerts at once are told in messages of their own; of more, in one for all. */
  notify_alerts_apart_max: 3,
  /** Containments that one message covers, and those it shows in full. */
  notify_covered_max: 64,
  notify_shown_max: 5,
  /** Characters of one text that an agent may have written, short and long. */
  notify_name_chars_max: 120,
  notify_text_chars_max: 600,
  /** Records passed over without a message, after which a lane writes down how far it has come. */
  notify_passed_max: 256,
  /** Longest sleep of a lane. */
  notify_look_ms: 1 * MINUTE_MS,
} as const;
