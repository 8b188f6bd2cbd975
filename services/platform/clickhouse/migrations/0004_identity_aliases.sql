-- Whose events turned out to be that had been accepted as nobody's own. One row for the events of one trace that were
-- released before their root came; what redelivers them writes the same row.

CREATE TABLE IF NOT EXISTS identity_aliases (
  tenant LowCardinality(String),
  identity String CODEC(ZSTD(1)),
  resolved String CODEC(ZSTD(1)),
  trace_id String CODEC(ZSTD(1)),
  key FixedString(16) CODEC(NONE),
  log_partition UInt16 CODEC(ZSTD(1)),
  log_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  log_time DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  count UInt32 CODEC(ZSTD(1)),
  events String CODEC(ZSTD(1)),
  stored DateTime DEFAULT now() CODEC(Delta(4), ZSTD(1))
)
ENGINE = ReplacingMergeTree(log_offset)
ORDER BY (tenant, identity, resolved, trace_id, key)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_bytes_for_wide_part = 67108864, ttl_only_drop_parts = 1;
