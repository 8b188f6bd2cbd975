/**
 * Everything worth counting, declared once: level of the log line, help text, labels. Add a line here, then call
 * `telemetry.occurred`. Label values come from closed sets, never from telemetry of agents.
 */
type Declared = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly help: string;
  readonly labels: readonly string[];
};

const declare = <const T extends Record<string, Declared>>(table: T): T => table;

export const OCCURRENCES = declare({
  items_received: { level: 'debug', help: 'input items received', labels: ['format'] },
  items_accepted: { level: 'debug', help: 'input items accepted as events', labels: ['format'] },
  items_held: { level: 'debug', help: 'input items that wait for their identity or their answer', labels: ['format'] },
  items_absorbed: { level: 'debug', help: 'input items that only informed and became no event', labels: ['format'] },
  items_dead_lettered: { level: 'warn', help: 'input items dead-lettered', labels: ['format', 'reason'] },
  events_settled: { level: 'debug', help: 'held items that became events, by how it was settled', labels: ['way'] },
  settle_evictions: {
    level: 'warn',
    help: 'links, bindings and waiting events given up for new ones',
    labels: ['what'],
  },
  span_ids_reused: { level: 'debug', help: 'span ids that came again with another parent or identity', labels: [] },
  identity_aliases: { level: 'debug', help: 'roots that came after their events had been accepted', labels: [] },
  raw_records: {
    level: 'debug',
    help: 'records of raw topics that became durable events or dead letters',
    labels: ['source'],
  },
  raw_retries: { level: 'warn', help: 'times ingest of a raw partition asked the log again', labels: ['source'] },
  raw_taken_over: { level: 'warn', help: 'raw partitions left because another process took them', labels: ['source'] },
  ingest_failures: { level: 'error', help: 'items on which ingest itself failed', labels: ['source'] },
  events_applied: { level: 'debug', help: 'event records applied by detect', labels: [] },
  events_duplicate: { level: 'debug', help: 'redelivered events dropped by key', labels: [] },
  events_flagged: { level: 'debug', help: 'accepted events that carry a flag', labels: ['flag'] },
  findings_raised: { level: 'debug', help: 'findings raised', labels: ['family'] },
  findings_muted: { level: 'debug', help: 'findings that a directive kept from alerting', labels: ['family'] },
  findings_handed: { level: 'debug', help: 'records handed on to the worker of stories', labels: [] },
  stories_revised: { level: 'info', help: 'revisions of stories over several identities', labels: ['status'] },
  stories_repeated: { level: 'debug', help: 'handed records that had been handed on before', labels: [] },
  stories_rejected: { level: 'error', help: 'records that the worker of stories could not read', labels: [] },
  session_lessons: { level: 'debug', help: 'ended sessions, and what became of held ones', labels: ['outcome'] },
  alerts_revised: { level: 'info', help: 'alert revisions written', labels: ['severity', 'status'] },
  store_retries: { level: 'warn', help: 'writes repeated because the store was unavailable', labels: ['write'] },
  rows_refused: { level: 'error', help: 'rows the store refused for good', labels: ['table'] },
  records_failed: { level: 'error', help: 'times detect failed on a record, by a defect of its own', labels: [] },
  gaps_found: { level: 'error', help: 'partitions stopped by a gap in the log', labels: [] },
  feed_appended: { level: 'debug', help: 'alert revisions appended to the feed', labels: [] },
  feed_repeated: { level: 'debug', help: 'repeated alert records left out of the feed', labels: [] },
  feed_holes: { level: 'error', help: 'alert revisions that are not the successor of the one before', labels: [] },
  feed_rejected: { level: 'error', help: 'alert records that no consumer could read', labels: [] },
  feed_retries: { level: 'warn', help: 'times the feed began again after a failed read or write', labels: [] },
  webhook_attempts: { level: 'info', help: 'webhook deliveries attempted', labels: ['outcome'] },
  webhook_dead_lettered: { level: 'error', help: 'webhook messages given up', labels: ['reason'] },
  webhook_lost: { level: 'error', help: 'feed records that retention removed before a webhook was sent', labels: [] },
  webhook_feed_shorter: { level: 'error', help: 'times the feed ended before what a webhook was sent', labels: [] },
  webhook_requests: { level: 'info', help: 'retries and redeliveries of webhooks asked for', labels: ['action'] },
  notify_attempts: { level: 'info', help: 'notifications attempted', labels: ['channel', 'outcome'] },
  notify_gave_up: { level: 'error', help: 'notifications given up', labels: ['channel', 'outcome'] },
  notify_stalls: {
    level: 'warn',
    help: 'times a lane of notifications began again after a failed read or write',
    labels: ['channel'],
  },
  webhook_stalls: { level: 'warn', help: 'times a webhook lane began again after a failed read or write', labels: [] },
  containments_changed: { level: 'info', help: 'containments that changed state', labels: ['state'] },
  effects_found: { level: 'info', help: 'effects of containments that the responder took in', labels: ['finding'] },
  effects_reported: { level: 'info', help: 'what telemetry said of executed containments', labels: ['finding'] },
  commands_refused: { level: 'info', help: 'commands refused by the responder', labels: ['code'] },
  proposals_refused: { level: 'error', help: 'recommendations for which no proposal was made', labels: ['reason'] },
  responder_records_rejected: { level: 'error', help: 'records the responder could not read', labels: ['topic'] },
  checkpoints_exported: {
    level: 'debug',
    help: 'attempts to hand a checkpoint of the audit log out',
    labels: ['to', 'outcome'],
  },
  responder_stops: { level: 'error', help: 'times the responder stopped', labels: ['reason'] },
  executions: { level: 'info', help: 'attempts to execute an approved containment', labels: ['result'] },
  start_waits: { level: 'warn', help: 'times a start waited for what did not answer yet', labels: ['part'] },
  group_rejoins: { level: 'warn', help: 'times a group was joined again after membership ended', labels: ['group'] },
  partitions_assigned: { level: 'info', help: 'partitions this process was given', labels: ['group'] },
  partitions_revoked: { level: 'info', help: 'partitions this process gave on or lost', labels: ['group', 'how'] },
  parts_ended: { level: 'error', help: 'parts of the service that ended by themselves', labels: ['part'] },
  requests_refused: { level: 'warn', help: 'API requests refused', labels: ['code'] },
  requests_failed: { level: 'error', help: 'API requests that failed on our side', labels: ['code'] },
  authentications_refused: { level: 'warn', help: 'API requests with a missing or refused key', labels: ['reason'] },
  authentications_limited: { level: 'debug', help: 'refused keys beyond what an address may fail', labels: [] },
  cookie_keys_differ: { level: 'warn', help: 'cookies of another key, counted once a minute', labels: [] },
  sign_ins: { level: 'info', help: 'people who signed in', labels: ['method'] },
  sign_ins_refused: { level: 'warn', help: 'sign-ins and fresh authentications refused', labels: ['reason'] },
  oidc_failures: { level: 'warn', help: 'round trips to an OpenID provider that failed', labels: ['reason'] },
  streams_dropped: { level: 'warn', help: 'streams ended by the service', labels: ['reason'] },
  log_records_appended: { level: 'debug', help: 'records made durable in the event log', labels: ['topic'] },
  log_commits: { level: 'debug', help: 'transactions committed to the event log', labels: [] },
  log_transactions_repeated: {
    level: 'warn',
    help: 'transactions begun again because nothing was written',
    labels: [],
  },
  log_topics_weak: { level: 'warn', help: 'topics that can lose what they acknowledged', labels: ['reason'] },
  log_writers_fenced: { level: 'error', help: 'times another process ran under this instance name', labels: [] },
  log_unavailable: { level: 'error', help: 'writes the event log could not take', labels: ['reason'] },
});

export type OccurrenceName = keyof typeof OCCURRENCES;
