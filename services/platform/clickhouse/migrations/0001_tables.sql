-- Everything Countersign stores. Every table may see the same row again after a crash: the version column (or, where
-- there is none, the equality of the rows) says which one counts, and every reader deduplicates.
--
-- Durability: a part is synced before its insert is acknowledged, and a merged part before its sources are removed, so
-- what a checkpoint wrote survives power loss. Parts of an insert stay compact: one file of data to sync, not a hundred.
--
-- `stored` is when this store took the row. Retention counts from it: event time and a replay's recorded clock both may
-- lie years back, and neither may delete what was just accepted.

CREATE TABLE IF NOT EXISTS events (
  tenant LowCardinality(String),
  identity String CODEC(ZSTD(1)),
  time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  key FixedString(16) CODEC(NONE),
  log_partition UInt16 CODEC(ZSTD(1)),
  log_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  log_time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  id String CODEC(ZSTD(1)),
  origin LowCardinality(String),
  observed_time Nullable(DateTime64(3, 'UTC')) CODEC(Delta(8), ZSTD(1)),
  identity_kind LowCardinality(String),
  identity_name LowCardinality(String),
  identity_owner LowCardinality(String),
  peer_group LowCardinality(String),
  identity_version LowCardinality(String),
  operation LowCardinality(String),
  action_name LowCardinality(String),
  tool_name LowCardinality(String),
  tool_server LowCardinality(String),
  tool_version LowCardinality(String),
  session String CODEC(ZSTD(1)),
  on_behalf_of LowCardinality(String),
  credential_id String CODEC(ZSTD(1)),
  credential_kind LowCardinality(String),
  source_ip String CODEC(ZSTD(1)),
  source_network LowCardinality(String),
  source_workload LowCardinality(String),
  purpose LowCardinality(String),
  model LowCardinality(String),
  trace_id String CODEC(ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  parent_span_id String CODEC(ZSTD(1)),
  resources Nested (
    id String,
    store LowCardinality(String),
    kind LowCardinality(String),
    classification LowCardinality(String),
    tenant LowCardinality(String)
  ),
  bytes_in Nullable(Float64) CODEC(ZSTD(1)),
  bytes_out Nullable(Float64) CODEC(ZSTD(1)),
  records Nullable(UInt64) CODEC(T64, ZSTD(1)),
  tokens_in Nullable(UInt64) CODEC(T64, ZSTD(1)),
  tokens_out Nullable(UInt64) CODEC(T64, ZSTD(1)),
  outcome_status LowCardinality(String),
  outcome_code LowCardinality(String),
  outcome_reason String CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  bits Float32 CODEC(ZSTD(1)),
  parts Array(Float32) CODEC(ZSTD(1)),
  unmapped String CODEC(ZSTD(1)),
  stored DateTime DEFAULT now() CODEC(Delta(4), ZSTD(1)),
  INDEX offsets log_offset TYPE minmax GRANULARITY 1000000
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(log_time)
ORDER BY (tenant, identity, time, key)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_bytes_for_wide_part = 67108864, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS findings (
  tenant LowCardinality(String),
  identity String CODEC(ZSTD(1)),
  time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  id String CODEC(ZSTD(1)),
  alert_uid String CODEC(ZSTD(1)),
  log_partition UInt16 CODEC(ZSTD(1)),
  log_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  log_time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  detector LowCardinality(String),
  family LowCardinality(String),
  pattern LowCardinality(String),
  session String CODEC(ZSTD(1)),
  bits Float32 CODEC(ZSTD(1)),
  body String CODEC(ZSTD(3)),
  stored DateTime DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree(log_offset)
PARTITION BY toYYYYMM(log_time)
ORDER BY (tenant, identity, time, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_bytes_for_wide_part = 67108864, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS alerts (
  uid String CODEC(ZSTD(1)),
  revision UInt32 CODEC(ZSTD(1)),
  log_partition UInt16 CODEC(ZSTD(1)),
  log_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  tenant LowCardinality(String),
  identity String CODEC(ZSTD(1)),
  status LowCardinality(String),
  severity LowCardinality(String),
  created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  updated DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  first_time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  last_time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  bits Float32 CODEC(ZSTD(1)),
  finding_count UInt32 CODEC(ZSTD(1)),
  action LowCardinality(String),
  body String CODEC(ZSTD(3)),
  stored DateTime DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree(log_offset)
ORDER BY (uid, revision)
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_bytes_for_wide_part = 67108864, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS dead_letters (
  topic LowCardinality(String),
  log_partition UInt16 CODEC(ZSTD(1)),
  log_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  reason LowCardinality(String),
  message String CODEC(ZSTD(1)),
  field String CODEC(ZSTD(1)),
  origin LowCardinality(String),
  position String CODEC(ZSTD(1)),
  length UInt64 CODEC(T64, ZSTD(1)),
  bytes String CODEC(ZSTD(1)),
  stored DateTime DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, log_partition, log_offset)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_bytes_for_wide_part = 67108864, ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS state_blobs (
  topic LowCardinality(String),
  log_partition UInt16 CODEC(ZSTD(1)),
  key String CODEC(ZSTD(1)),
  version UInt64 CODEC(Delta(8), ZSTD(1)),
  due Nullable(Int64) CODEC(ZSTD(1)),
  bytes String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (topic, log_partition, key)
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_bytes_for_wide_part = 67108864;

CREATE TABLE IF NOT EXISTS manifests (
  topic LowCardinality(String),
  log_partition UInt16,
  next_offset UInt64,
  body String CODEC(ZSTD(1)),
  stored DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (topic, log_partition)
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE TABLE IF NOT EXISTS priors (
  version String,
  bytes String CODEC(ZSTD(1)),
  stored DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY version
SETTINGS index_granularity = 64, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;

CREATE TABLE IF NOT EXISTS control_copies (
  sequence UInt64 CODEC(Delta(8), ZSTD(1)),
  kind LowCardinality(String),
  json String CODEC(ZSTD(3)),
  stored DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY sequence
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
