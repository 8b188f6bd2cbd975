import type { AlertRevision, AliasRow, FindingRow } from '../../../../schemas/outputs.ts';
import { monthOf, type Table } from './table.ts';

const TEXT = 'LowCardinality(String)';
const TIME = 'DateTime64(3)';

/** One row per finding: the keys to ask by, and the finding itself as JSON. */
export const FINDINGS: Table<FindingRow> = {
  name: 'findings',
  columns: [
    ['tenant', TEXT],
    ['identity', 'String'],
    ['time', TIME],
    ['id', 'String'],
    ['alert_uid', 'String'],
    ['log_partition', 'UInt16'],
    ['log_offset', 'UInt64'],
    ['log_time', TIME],
    ['detector', TEXT],
    ['family', TEXT],
    ['pattern', TEXT],
    ['session', 'String'],
    ['bits', 'Float32'],
    ['body', 'String'],
  ],
  partitionOf: (row) => monthOf(row.finding.log_time),
  write(to, row) {
    const finding = row.finding;
    to.text(row.tenant);
    to.text(row.identity);
    to.i64(finding.time);
    to.text(finding.id);
    to.text(row.alert_uid);
    to.u16(row.partition);
    to.u64(row.offset);
    to.i64(finding.log_time);
    to.text(finding.detector);
    to.text(finding.family);
    to.text(finding.pattern);
    to.text(finding.session);
    to.f32(finding.bits);
    to.text(JSON.stringify(finding));
  },
};

/** One row per revision of an alert, the alert itself as JSON. */
export const ALERTS: Table<AlertRevision> = {
  name: 'alerts',
  columns: [
    ['uid', 'String'],
    ['revision', 'UInt32'],
    ['log_partition', 'UInt16'],
    ['log_offset', 'UInt64'],
    ['tenant', TEXT],
    ['identity', 'String'],
    ['status', TEXT],
    ['severity', TEXT],
    ['created', TIME],
    ['updated', TIME],
    ['first_time', TIME],
    ['last_time', TIME],
    ['bits', 'Float32'],
    ['finding_count', 'UInt32'],
    ['action', TEXT],
    ['body', 'String'],
  ],
  write(to, row) {
    const alert = row.alert;
    to.text(alert.uid);
    to.u32(alert.revision);
    to.u16(row.partition);
    to.u64(row.offset);
    to.text(alert.tenant);
    to.text(alert.identity.id);
    to.text(alert.status);
    to.text(alert.severity);
    to.i64(alert.created);
    to.i64(alert.updated);
    to.i64(alert.first_time);
    to.i64(alert.last_time);
    to.f32(alert.bits);
    to.u32(alert.finding_count);
    to.text(alert.recommendation.action);
    to.text(JSON.stringify(alert));
  },
};

/** One row per late root: which events it claims. */
export const IDENTITY_ALIASES: Table<AliasRow> = {
  name: 'identity_aliases',
  columns: [
    ['tenant', TEXT],
    ['identity', 'String'],
    ['resolved', 'String'],
    ['trace_id', 'String'],
    ['key', 'FixedString(16)'],
    ['log_partition', 'UInt16'],
    ['log_offset', 'UInt64'],
    ['log_time', TIME],
    ['count', 'UInt32'],
    ['events', 'String'],
  ],
  write(to, { alias, partition, offset, log_time }) {
    to.text(alias.tenant);
    to.text(alias.identity);
    to.text(alias.resolved);
    to.text(alias.trace_id);
    to.hex(alias.events[0] ?? NO_KEY, 16);
    to.u16(partition);
    to.u64(offset);
    to.i64(log_time);
    to.u32(alias.count);
    to.text(JSON.stringify(alias.events));
  },
};

const NO_KEY = '0'.repeat(32);
