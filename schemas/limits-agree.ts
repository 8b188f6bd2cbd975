import { LIMITS } from './limits.ts';

/** Throws when two limits contradict each other. Called by every entry point before it does anything else. */
export function assertLimits(limits: typeof LIMITS = LIMITS): void {
  assertInput(limits);
  assertDetection(limits);
}

function must(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(`limits contradict each other: ${sentence}`);
}

/** What comes in, up to the log. */
function assertInput(limits: typeof LIMITS): void {
  must(limits.dead_letter_bytes_max <= limits.item_bytes_max, 'dead_letter_bytes_max <= item_bytes_max');
  must(limits.item_bytes_max <= limits.bundle_bytes_max, 'item_bytes_max <= bundle_bytes_max');
  must(limits.bundle_bytes_max <= limits.http_body_bytes_max, 'bundle_bytes_max <= http_body_bytes_max');
  must(limits.item_depth_max <= limits.bundle_depth_max, 'item_depth_max <= bundle_depth_max');
  // In OTLP/JSON a span event's value begins at the twelfth level, and each level of it takes four.
  must(
    12 + 4 * (limits.otlp_value_depth_max + 1) <= limits.bundle_depth_max,
    'bundle_depth_max holds otlp_value_depth_max',
  );
  must(limits.item_bytes_max <= limits.fetch_bytes_max, 'item_bytes_max <= fetch_bytes_max');
  must(limits.http_body_bytes_max <= limits.log_record_bytes_max, 'http_body_bytes_max <= log_record_bytes_max');
  must(limits.log_batch_bytes_max <= limits.log_group_bytes_max, 'log_batch_bytes_max <= log_group_bytes_max');
  must(limits.item_bytes_max <= limits.raw_batch_bytes_max, 'item_bytes_max <= raw_batch_bytes_max');
  must(limits.raw_batch_bytes_max <= limits.fetch_bytes_max, 'raw_batch_bytes_max <= fetch_bytes_max');
  must(limits.raw_retry_ms <= limits.raw_retry_ms_max, 'raw_retry_ms <= raw_retry_ms_max');
  must(limits.settle_bound_ms <= limits.settle_memory_ms, 'settle_bound_ms <= settle_memory_ms');
  must(limits.settle_mark_ms <= limits.settle_memory_ms, 'settle_mark_ms <= settle_memory_ms');
  must(
    limits.log_batch_bytes_max <= limits.settle_waiting_bytes_max,
    'settle_waiting_bytes_max holds more than one record',
  );
  must(limits.settle_links_per_trace_max <= limits.settle_links_max, 'settle_links_per_trace_max <= settle_links_max');
  must(
    limits.settle_waiting_per_trace_max <= limits.settle_waiting_max,
    'settle_waiting_per_trace_max <= settle_waiting_max',
  );
  must(
    limits.settle_binding_traces_min <= limits.settle_binding_links,
    'settle_binding_traces_min <= settle_binding_links',
  );
}

/** The log, and all that reads it. */
function assertDetection(limits: typeof LIMITS): void {
  must(limits.log_record_bytes_max <= limits.kafka_batch_bytes_max, 'log_record_bytes_max <= kafka_batch_bytes_max');
  must(
    limits.kafka_fetch_bytes <= limits.kafka_read_ahead_bytes_max,
    'kafka_fetch_bytes <= kafka_read_ahead_bytes_max',
  );
  // Whoever takes over from a process that died finds its transactions at an end.
  must(
    limits.kafka_transaction_timeout_ms <= limits.kafka_session_timeout_ms,
    'kafka_transaction_timeout_ms <= kafka_session_timeout_ms',
  );
  must(limits.kafka_retention_ms_min <= limits.kafka_retention_ms, 'kafka_retention_ms_min <= kafka_retention_ms');
  must(limits.log_batch_bytes_max <= limits.kafka_group_bytes_max, 'log_batch_bytes_max <= kafka_group_bytes_max');
  must(limits.kafka_group_bytes_max <= limits.kafka_queue_bytes_max, 'kafka_group_bytes_max <= kafka_queue_bytes_max');
  must(limits.log_record_bytes_max <= limits.kafka_queue_bytes_max, 'log_record_bytes_max <= kafka_queue_bytes_max');
  must(limits.kafka_poll_ms_max < limits.kafka_request_ms, 'kafka_poll_ms_max < kafka_request_ms');
  must(limits.replay_cut_ms % limits.replay_tick_ms === 0, 'replay_cut_ms is a multiple of replay_tick_ms');
  must(limits.item_bytes_max <= limits.replay_batch_bytes_max, 'item_bytes_max <= replay_batch_bytes_max');
  must(limits.flush_rows_max <= limits.checkpoint_records_max, 'flush_rows_max <= checkpoint_records_max');
  must(limits.checkpoint_records_max <= limits.feed_memory_max, 'checkpoint_records_max <= feed_memory_max');
  must(limits.fetch_bytes_max <= limits.flush_bytes_max, 'fetch_bytes_max <= flush_bytes_max');
  must(limits.restart_ms <= limits.restart_ms_max, 'restart_ms <= restart_ms_max');
  must(
    2 * limits.checkpoint_records_max <= limits.gap_margin_offsets,
    'gap_margin_offsets leaves room for two checkpoints',
  );
  must(
    limits.checkpoint_piece_bytes <= limits.checkpoint_waiting_bytes_max,
    'checkpoint_waiting_bytes_max holds a piece',
  );
  must(limits.failed_records_max < limits.failed_records_span, 'failed_records_max < failed_records_span');
  must(limits.flush_ms <= limits.checkpoint_ms, 'flush_ms <= checkpoint_ms');
  directiveLimits(limits, must);
  must(limits.session_idle_ms < limits.session_ms_max, 'session_idle_ms < session_ms_max');
  must(limits.session_idle_ms < limits.identity_idle_ms, 'session_idle_ms < identity_idle_ms');
  must(limits.alert_rest_ms <= limits.held_expiry_ms, 'alert_rest_ms <= held_expiry_ms');
  must(limits.alert_quiet_ms < limits.identity_idle_ms, 'alert_quiet_ms < identity_idle_ms');
  must(limits.checkpoint_records_max <= limits.findings_memory_max, 'checkpoint_records_max <= findings_memory_max');
  must(
    limits.story_chains_per_identity_max < limits.story_chains_max,
    'story_chains_per_identity_max < story_chains_max',
  );
  must(limits.story_gap_ms <= limits.alert_quiet_ms, 'story_gap_ms <= alert_quiet_ms');
  must(limits.future_ms <= limits.lateness_ms, 'future_ms <= lateness_ms');
  must(limits.webhook_timeout_ms < limits.webhook_give_up_ms, 'webhook_timeout_ms < webhook_give_up_ms');
  must(limits.webhook_retry_ms <= limits.webhook_retry_ms_max, 'webhook_retry_ms <= webhook_retry_ms_max');
  must(limits.webhook_retry_ms_max < limits.webhook_give_up_ms, 'webhook_retry_ms_max < webhook_give_up_ms');
  must(limits.executor_timeout_ms < limits.dispatch_deadline_ms, 'executor_timeout_ms < dispatch_deadline_ms');
  must(limits.dispatch_retry_ms < limits.dispatch_deadline_ms, 'dispatch_retry_ms < dispatch_deadline_ms');
  must(limits.dispatch_deadline_ms < limits.execution_expiry_ms, 'dispatch_deadline_ms < execution_expiry_ms');
  must(limits.step_up_skew_ms < limits.step_up_ms_max, 'step_up_skew_ms < step_up_ms_max');
  must(
    limits.effect_watch_ms_min <= limits.effect_watch_ms && limits.effect_watch_ms <= limits.effect_watch_ms_max,
    'effect_watch_ms_min <= effect_watch_ms <= effect_watch_ms_max',
  );
  must(limits.fetch_records_max <= limits.dedup_keys_per_partition, 'fetch_records_max <= dedup_keys_per_partition');
  signInLimits(limits, must);
}

type Must = (holds: boolean, sentence: string) => void;

function signInLimits(limits: typeof LIMITS, must: Must): void {
  must(limits.sign_in_idle_ms <= limits.sign_in_ms, 'sign_in_idle_ms <= sign_in_ms');
  must(limits.sign_in_ms <= limits.sign_in_ms_max, 'sign_in_ms <= sign_in_ms_max');
  must(limits.sign_in_stamp_ms < limits.sign_in_idle_ms, 'sign_in_stamp_ms < sign_in_idle_ms');
  must(limits.link_ms <= limits.link_ms_max, 'link_ms <= link_ms_max');
  must(limits.oidc_skew_ms < limits.step_up_ms_max, 'oidc_skew_ms < step_up_ms_max');
  must(
    limits.sign_in_sessions_max < limits.sign_in_sessions_kept_max,
    'sign_in_sessions_max < sign_in_sessions_kept_max',
  );
  must(
    limits.sign_in_failures_pair_max <= limits.sign_in_failures_network_max &&
      limits.sign_in_failures_pair_max <= limits.sign_in_failures_account_max,
    'sign_in_failures_pair_max <= sign_in_failures_network_max and sign_in_failures_account_max',
  );
}

function directiveLimits(limits: typeof LIMITS, must: Must): void {
  must(
    limits.directives_in_force_max <= limits.directives_kept_max &&
      limits.directives_in_force_max <= limits.directives_per_partition_max,
    'directives_in_force_max <= directives_kept_max and directives_per_partition_max',
  );
  must(
    limits.directives_per_partition_max * limits.directive_bytes_max <= limits.log_record_bytes_max,
    'directives_per_partition_max * directive_bytes_max <= log_record_bytes_max',
  );
  must(
    limits.findings_per_alert_max <= limits.directive_matches_max,
    'findings_per_alert_max <= directive_matches_max',
  );
  must(limits.directive_verdict_ms <= limits.directive_ms_max, 'directive_verdict_ms <= directive_ms_max');
  must(limits.change_ms_default <= limits.change_ms_max, 'change_ms_default <= change_ms_max');
  must(limits.change_ms_max <= limits.directive_ms_max, 'change_ms_max <= directive_ms_max');
}
