import { CONTAINMENT_LIMITS } from './limits-containment.ts';
import { DETECTION_LIMITS } from './limits-detection.ts';
import { NOTIFY_LIMITS } from './limits-notify.ts';
import { SETTLING_LIMITS } from './limits-settling.ts';
import { SIGN_IN_LIMITS } from './limits-sign-in.ts';
import { UNITS } from './units.ts';

export { UNITS };

const { KIB, MIB, SECOND_MS, MINUTE_MS, HOUR_MS, DAY_MS } = UNITS;

/**
 * Every bound of the system in one place (promise P8). How limits depend on each other is asserted in limits-agree.ts,
 * so that a careless change fails at start and in the tests instead of in production.
 */
export const LIMITS = {
  // --- one input item -------------------------------------------------------------------------------------------
  /** Bytes of one input item (one JSON document or line). Larger ones are dead-lettered with their first bytes. */
  item_bytes_max: 1 * MIB,
  /** Original bytes kept with a dead letter; the true length is recorded beside them. */
  dead_letter_bytes_max: 64 * KIB,
  /** Nesting depth of an input document. */
  item_depth_max: 32,
  /**
   * A bundle is one document with many items that others put together, so one item must not be able to have all refused: it
   * may be larger and deeper. What is deeper still is read as null. One with more items is dead-lettered whole.
   */
  bundle_bytes_max: 8 * MIB,
  bundle_depth_max: 160,
  bundle_items_max: 10_000,
  /** Nesting of an OTLP attribute's value: lists and maps within each other. */
  otlp_value_depth_max: 32,
  id_chars_max: 256,
  name_chars_max: 256,
  resource_id_chars_max: 1024,
  text_chars_max: 1024,
  resources_per_event_max: 16,
  /** Bytes of unmapped source fields kept with an event. */
  unmapped_bytes_max: 4 * KIB,
  /** Unmapped source fields looked at; a document with more is flagged like one with too many bytes of them. */
  unmapped_fields_max: 256,
  /** Tool names whose catalogue entry and verb ingest remembers. */
  tool_memory_max: 4_096,
  /** One pebibyte: a larger size in one event is a unit error in the source, not a measurement. */
  volume_max: 2 ** 50,
  /** 2000-01-01 and 2100-01-01, UTC: outside it a timestamp is a defect of the source's clock. */
  time_ms_min: 946_684_800_000,
  time_ms_max: 4_102_444_800_000,

  // --- recorded streams -----------------------------------------------------------------------------------------
  /** The recorded clock takes a longer step forward only when most of so many following events confirm it. */
  replay_step_ms_max: DAY_MS,
  replay_lookahead_events: 16,
  /** Recorded time between ticks and between cuts, and how much of a gap in a recording is filled with ticks. */
  replay_tick_ms: 10 * MINUTE_MS,
  replay_cut_ms: 6 * HOUR_MS,
  replay_gap_ms_max: 7 * DAY_MS,
  /** Items and bytes of one step of a replay, and of one write of it to the log. */
  replay_batch_items_max: 4_096,
  replay_batch_bytes_max: 4 * MIB,
  /** Compressed bytes unpacked at once: at the worst ratio of gzip (1,032 to 1) that is 16 MiB. */
  gunzip_slice_bytes: 16 * KIB,
  /** Items decided between two turns of the event loop. */
  ingest_slice_items: 2_000,

  // --- raw topics -----------------------------------------------------------------------------------------------
  /** Items of one record. One with more is dead-lettered whole: 1 MiB holds half a million, each a dead letter of its own. */
  raw_record_items_max: 10_000,
  /** Records and bytes that one batch of a raw partition reads, and bytes of what is made of them. */
  raw_batch_records_max: 4_096,
  raw_batch_bytes_max: 2 * MIB,
  raw_batch_made_bytes_max: 4 * MIB,
  /** Batches of all partitions of a process that are being decided or written. */
  raw_batches_max: 16,
  raw_slice_items: 512,
  /** A partition with less to do than a full batch writes that often. */
  raw_commit_ms: 20,
  /** First pause after the log did not answer, and the longest; they double. */
  raw_retry_ms: 100,
  raw_retry_ms_max: 10 * SECOND_MS,
  /** A partition that another process took is taken back when nobody has worked on it for so long. */
  raw_takeover_ms: 10 * SECOND_MS,
  /** How often a partition that flows makes sure that its topic was not made anew. */
  raw_check_ms: 5 * SECOND_MS,
  /** After so long without a record a recorded topic counts as read to its end. */
  raw_recorded_idle_ms: 5 * SECOND_MS,
  /** How often recorded time is looked after. */
  raw_recorded_time_ms: 1 * SECOND_MS,

  ...SETTLING_LIMITS,

  // --- HTTP -----------------------------------------------------------------------------------------------------
  http_body_bytes_max: 8 * MIB,
  /** What a page's form may send. */
  http_form_bytes_max: 64 * KIB,
  http_batch_items_max: 10_000,
  page_items_max: 500,
  stream_clients_max: 64,
  /** Requests with events that are read and made durable at the same time; the next one is asked to come back. */
  http_ingest_requests_max: 8,
  /** Results of single items in one answer to submitted events. */
  http_results_max: 1_000,
  /** A stream whose client takes nothing for so long is dropped; without news a stream says so that often. */
  stream_stall_ms: 10 * SECOND_MS,
  stream_heartbeat_ms: 15 * SECOND_MS,
  stream_page_items: 8,
  /** Failed authentications of one address within a span, after which it is told to wait, and addresses remembered. */
  auth_failures_max: 20,
  auth_failures_span_ms: MINUTE_MS,
  auth_addresses_max: 10_000,
  /** A request must have arrived as a whole after so long, and connections at the same time. */
  http_request_ms_max: 60 * SECOND_MS,
  http_connections_max: 1_024,
  /** Rows of one alert's page: findings, events of its sessions around it, and open alerts on an identity's page. */
  alert_findings_shown_max: 200,
  alert_context_shown_max: 50,
  identity_alerts_shown_max: 50,
  /**
   * What an alert is compared with: events of the identity before it, without so many sessions of other alerts; calls of
   * its session and kinds of them; and members of its peer group where it has no past of its own.
   */
  alert_history_events_max: 20_000,
  alert_sessions_left_out_max: 1_000,
  alert_session_steps_max: 2_000,
  alert_step_kinds_max: 256,
  alert_peers_compared_max: 16,

  // --- event log and partition worker ---------------------------------------------------------------------------
  partitions_default: 4,
  /** Of topics made on Kafka, where processes share them: 12 is divided evenly by 1, 2, 3, 4 and 6. */
  kafka_partitions_default: 12,
  kafka_session_timeout_ms: 15 * SECOND_MS,
  kafka_transaction_timeout_ms: 15 * SECOND_MS,
  /** How long a start waits for a log or store that does not answer yet. */
  start_patience_ms: 1 * MINUTE_MS,
  /** First pause before a part that ended by itself is started again, and the longest; they double. */
  restart_ms: 500,
  restart_ms_max: 30 * SECOND_MS,
  /** Bytes of one record, of the records stored together as one row, and of the writes committed together. */
  log_record_bytes_max: 16 * MIB,
  log_batch_bytes_max: 1 * MIB,
  log_group_bytes_max: 8 * MIB,
  fetch_records_max: 8_192,
  fetch_bytes_max: 16 * MIB,
  /** Kafka: time to connect, to be answered, and for which what fails for the moment is repeated. */
  kafka_connect_ms: 3 * SECOND_MS,
  kafka_request_ms: 10 * SECOND_MS,
  kafka_retry_ms_max: 5 * SECOND_MS,
  /** Bytes asked for of one partition at once, and all bytes that are read ahead of their readers. */
  kafka_fetch_bytes: 4 * MIB,
  kafka_read_ahead_bytes_max: 64 * MIB,
  /** Bytes that one compressed batch may unpack to. */
  kafka_batch_bytes_max: 32 * MIB,
  /** Longest that a broker keeps a question for news open. */
  kafka_poll_ms_max: 500,
  /** A member of a group may take so long to hand partitions over before the others go on without it. */
  kafka_rebalance_ms: 60 * SECOND_MS,
  /** Time between two signs of life of a member of a group, at most; a sixth of its session when that is shorter. */
  kafka_heartbeat_ms_max: 1 * SECOND_MS,
  /** How long topics of the log keep their records when they are made, and at least when they are found. */
  kafka_retention_ms: 30 * DAY_MS,
  kafka_retention_ms_min: 7 * DAY_MS,
  /** Bytes of the writes that go into one transaction, and of all that wait for theirs. */
  kafka_group_bytes_max: 4 * MIB,
  kafka_queue_bytes_max: 64 * MIB,
  /** A write that no broker takes is given back after so long, and a log that closes carries out for so long what waits. */
  kafka_write_wait_ms: 30 * SECOND_MS,
  kafka_close_ms: 10 * SECOND_MS,
  /** Accepted events whose keys a partition remembers; a redelivery further back is not recognised. */
  dedup_keys_per_partition: 1_048_576,
  /** Identities held in memory per partition before idle ones are evicted. */
  resident_identities_max: 200_000,
  /** An identity is evicted from memory once its log clock has been quiet for so long and nothing of it is due. */
  identity_idle_ms: 6 * HOUR_MS,
  /** Event time may lie so far behind the log's clock and still count in windows. */
  lateness_ms: 1 * HOUR_MS,
  /** Event time may lie so far ahead of the log's clock and still count in windows. */
  future_ms: 5 * MINUTE_MS,
  tick_ms: MINUTE_MS,
  /** Rows buffered before outputs are flushed, and the time after which they are flushed anyway. */
  flush_rows_max: 20_000,
  /** Bytes of the records behind buffered rows, beyond which they are flushed. */
  flush_bytes_max: 32 * MIB,
  flush_ms: 500,
  /** Time and applied records after which a partition checkpoints blobs and manifest. */
  checkpoint_ms: 5 * SECOND_MS,
  /** The same once a partition has caught up with the log. */
  checkpoint_idle_ms: 1 * SECOND_MS,
  checkpoint_records_max: 100_000,

  /**
   * A partition that goes on behind an accepted gap numbers its records from so far beyond everything stored: further than
   * what a process that was given up may still write.
   */
  gap_margin_offsets: 1_000_000,
  /** Records left out because the worker fails on them, within a span of offsets; at one more the partition stands still. */
  failed_records_max: 16,
  failed_records_span: 10_000,
  /** Blobs of a checkpoint that are written together, bytes at which they are fewer, and bytes that may wait for it. */
  checkpoint_piece_blobs: 2_048,
  checkpoint_piece_bytes: 8 * MIB,
  checkpoint_waiting_bytes_max: 64 * MIB,
  /** Blobs that are read from the store at once. */
  load_blobs_max: 1_000,
  /** Identities of a partition whose fingerprints are held, so that new ones cost no look-up. Beyond it every one does. */
  known_identities_max: 4_000_000,
  /** Priors that are asked for and not built yet: each waits for its turn. */
  priors_waiting_max: 16,
  /** Records that detect may be behind the log before the service calls itself not ready. */
  ready_lag_records_max: 500_000,

  ...DETECTION_LIMITS,
  ...CONTAINMENT_LIMITS,
  ...NOTIFY_LIMITS,

  // --- delivery and containment ---------------------------------------------------------------------------------
  webhook_timeout_ms: 15 * SECOND_MS,
  /** First and longest pause between attempts of one message, and the longest that a receiver may ask for. */
  webhook_retry_ms: 5 * SECOND_MS,
  webhook_retry_ms_max: 10 * MINUTE_MS,
  webhook_retry_after_ms_max: 1 * HOUR_MS,
  /** A message that was not taken for so long is dead-lettered. */
  webhook_give_up_ms: 3 * DAY_MS,
  /** Failed attempts after which the next message may be tried: if that is taken, this one is to blame. */
  webhook_probe_attempts: 6,
  /** Bytes of a receiver's answer that are read, and characters of it that are shown. */
  webhook_response_bytes_max: 4 * KIB,
  webhook_error_chars_max: 256,
  approval_expiry_ms: 24 * HOUR_MS,
  execution_expiry_ms: 1 * HOUR_MS,
  /** Most approvals that a policy may ask for, and how long a fresh authentication counts for a vote. */
  approvals_max: 10,
  step_up_ms_max: 5 * MINUTE_MS,
  /** Fresh authentications remembered; the oldest are forgotten, which only means authenticating again. */
  step_ups_max: 10_000,
  /** Events that an effect's report shows. */
  effect_evidence_max: 16,
  /** How long a containment may take to reach everywhere, and how long its effect is watched after that. */
  effect_grace_ms: 1 * MINUTE_MS,
  effect_watch_ms: 24 * HOUR_MS,
  effect_watch_ms_min: 1 * SECOND_MS,
  effect_watch_ms_max: 30 * DAY_MS,
  executor_timeout_ms: 10 * SECOND_MS,
  /** What a responder was told of its office is that fresh when it sends. */
  dispatch_guard_ms: 1 * SECOND_MS,
  /** After it nothing is sent any more; a timeout later an unanswered dispatch is unknown. */
  dispatch_deadline_ms: 1 * MINUTE_MS,
  /** First pause between two attempts of one dispatch; it doubles. */
  dispatch_retry_ms: 1 * SECOND_MS,
  executions_in_flight_max: 8,
  executor_response_bytes_max: 4 * KIB,
  /** Executors that a configuration may name, and bytes of a document that one reads: metadata, a user, a token source. */
  executors_max: 32,
  executor_document_bytes_max: 256 * KIB,
  /** Tokens of one credential: access and refresh tokens of a few grants. */
  executor_tokens_max: 16,
  /** The least time in which an executor looks what became of an order. */
  executor_probe_ms_min: 1 * SECOND_MS,
  /** What a preview looks at: days of the identity, days of all others, and entries of each list. */
  preview_identity_ms: 30 * DAY_MS,
  preview_others_ms: 7 * DAY_MS,
  preview_items_max: 20,
  executor_detail_chars_max: 1024,
  executor_dry_run_chars_max: 16 * KIB,
  comment_chars_max: 1024,
  /** Pending, approved and dispatching containments; a proposal beyond it is refused and counted. */
  containments_open_max: 10_000,
  /** Ended containments that stay in memory; the control log and its copies keep all. */
  containments_ended_max: 10_000,
  /** Different proposals that one alert may bring forth: its target may be chosen by an attacker. */
  proposals_per_alert_max: 8,
  /** Outcomes remembered to answer a command that is asked again. */
  outcomes_max: 100_000,
  /** Judgements kept in memory of one alert, and alerts whose judgements are; the control log and its copies keep all. */
  verdicts_per_alert_max: 16,
  verdicts_alerts_max: 20_000,
  /**
   * Directives in force of all tenants, and all that stay in memory, ended ones too; the control log keeps all. A partition
   * holds more than are ever in force, as its clock may lie behind that of whoever decides.
   */
  directives_in_force_max: 2_000,
  directives_kept_max: 4_000,
  directives_per_partition_max: 4_000,
  /** What of an alert a verdict's scope can name, and findings that one suppression can. */
  directive_matches_max: 16,
  /** Bytes of one directive: those in force stand in the manifest of a partition. */
  directive_bytes_max: 4 * KIB,
  /** How long a directive may last, and how long one that a verdict brings does when nobody says. */
  directive_ms_min: MINUTE_MS,
  directive_ms_max: 365 * DAY_MS,
  directive_verdict_ms: 30 * DAY_MS,
  /** How long a declared change may be awaited and learned; as long when nobody says, and so many sessions. */
  change_ms_max: 90 * DAY_MS,
  change_ms_default: 14 * DAY_MS,
  change_sessions_default: 20,
  change_sessions_max: 1_000,
  /** Declared changes that are learned by one identity at the same time; of more the newest count. */
  changes_per_identity_max: 4,
  /** The alert budget when nobody says another, per 1,000 identity-days, and what an override of it may allow. */
  alerts_per_1000_default: 20,
  budget_min: 0.1,
  budget_max: 1_000,
  offset_bits_max: 64,
  /** An alert on a watched pattern that is open sends a revision for a repeat no more often than this. */
  watched_again_ms: 10 * MINUTE_MS,
  /** Gaps that are not closed, and closed ones that stay in memory; the control log and its copies keep all. */
  gaps_unclosed_max: 10_000,
  gaps_closed_max: 1_000,
  /** How often feed and responder make sure that the topics they read were not made anew. */
  log_check_ms: 5 * SECOND_MS,
  /** Pause before a responder that was fenced takes over again. */
  takeover_ms: 500,
  command_timeout_ms: 10 * SECOND_MS,
  principals_max: 10_000,
  keys_max: 10_000,
  key_lifetime_ms_max: 3_650 * DAY_MS,
  key_tenants_max: 64,
  /** How long a key goes on at most beside the one that took its place. */
  key_overlap_ms_max: 30 * DAY_MS,
  ...SIGN_IN_LIMITS,
  subscriptions_max: 64,
  /** Signing keys of checkpoints that are remembered, and control records looked at for one page of the audit log. */
  audit_keys_max: 64,
  audit_scan_records_max: 20_000,
  /** (uid, revision) pairs the feed remembers to drop repeats of alert records after a crash. */
  feed_memory_max: 100_000,
  /** First pause after a failed read or write of the feed, and the longest; they double. */
  feed_retry_ms: 100,
  feed_retry_ms_max: 30 * SECOND_MS,
  /** Longest wait of one pull for a first item, and feed bytes read at once. */
  pull_wait_ms_max: 60 * SECOND_MS,
  pull_bytes_max: 4 * MIB,
} as const;
