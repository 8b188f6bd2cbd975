-- Keys of accepted events whose rows the store refused for good. The rows went to the dead letters; without their keys a
-- partition that is taken up again would take a redelivery of one for new.

CREATE TABLE IF NOT EXISTS refused_keys (
  log_partition UInt16 CODEC(ZSTD(1)),
  log_offset UInt64 CODEC(Delta(8), ZSTD(1)),
  key FixedString(16) CODEC(NONE),
  origin LowCardinality(String),
  id String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (log_partition, log_offset)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
  min_bytes_for_wide_part = 67108864;
