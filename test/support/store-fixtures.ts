import { createHash } from 'node:crypto';
import type { Alert } from '../../schemas/alert.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import type { Finding } from '../../schemas/finding.ts';
import type { FindingRow, Manifest, Outputs, ScoredEvent, StateBlob } from '../../schemas/outputs.ts';
import type { PlacedBlob } from '../../services/platform/store.ts';

export const NOON = Date.UTC(2026, 5, 15, 12);
export const keyOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Texts that break what is put together carelessly. All of them are well-formed and none has an end of its own. */
export const HOSTILE = [
  "'); DROP TABLE events; --",
  '\0',
  'a\0b',
  '\\',
  "\\'",
  '"quoted" `ticked`',
  '\t\n\r\b\f\u001b[31m',
  '{tenant:String}',
  '%00%27',
  '\u202eevil',
  '🦊 naïve Ωμέγα 漢字',
  `${'é'.repeat(63)}x`,
  'x'.repeat(127),
  'y'.repeat(128),
  '€'.repeat(5_500),
  '\\N',
  'NULL',
] as const;

export function canonical(tenant: string, name: string, more: Partial<CanonicalEvent> = {}): CanonicalEvent {
  return {
    key: keyOf(`${tenant}/${name}`),
    id: name,
    origin: 'test',
    tenant,
    time: NOON,
    identity: { id: 'agent-1', kind: 'agent' },
    action: { operation: 'read' },
    resources: [],
    volume: {},
    outcome: { status: 'ok' },
    ...more,
  };
}

export function scored(event: CanonicalEvent, more: Partial<ScoredEvent> = {}): ScoredEvent {
  return { event, partition: 0, offset: 1, log_time: event.time, bits: 1.5, parts: [0.5, 0, 1], flags: 0, ...more };
}

export function outputs(rows: Partial<Outputs>): Outputs {
  return { events: [], findings: [], alerts: [], aliases: [], poison: [], handed: [], effects: [], ...rows };
}

export function finding(tenant: string, name: string, more: Partial<Finding> = {}): Finding {
  return {
    id: keyOf(`${tenant}/finding/${name}`),
    detector: 'tools',
    family: 'tool_usage',
    pattern: 'first_seen_tool',
    time: NOON,
    log_time: NOON + 5,
    probability: 2 ** -12,
    bits: 12,
    subject: { kind: 'tool', value: HOSTILE[0] },
    observed: { name: 'tool', value: HOSTILE[5] },
    expected: { name: 'calls', value: 0, unit: 'calls' },
    history: { events: 10, sessions: 2, days: 3.25, maturity: 'learning', basis: 'peer_group' },
    evidence: [{ key: keyOf(name), id: name, time: NOON }],
    sentence: `it did ${HOSTILE[10]}`,
    ...more,
  };
}

export function findingRow(tenant: string, name: string, more: Partial<FindingRow> = {}): FindingRow {
  const alert_uid = more.alert_uid;
  return { finding: finding(tenant, name), tenant, identity: 'agent-1', partition: 0, offset: 1, ...more, alert_uid };
}

export function alert(tenant: string, uid: string, more: Partial<Alert> = {}): Alert {
  return {
    uid,
    revision: 1,
    status: 'open',
    tenant,
    identity: { id: 'agent-1', kind: 'agent' },
    sessions: ['s-1'],
    severity: 'high',
    bits: 17.123456789,
    created: NOON,
    updated: NOON,
    first_time: NOON,
    last_time: NOON,
    title: `title ${HOSTILE[6]}`,
    summary: 'summary',
    findings: [finding(tenant, uid)],
    finding_count: 1,
    evidence: [],
    recommendation: { action: 'restrict_tool', target: 'mail', parameters: { tool: 'mail' }, reason: 'because' },
    techniques: [{ framework: 'owasp_asi', id: 'ASI02', name: 'Tool misuse' }],
    ...more,
  };
}

export function manifest(topic: string, partition: number, more: Partial<Manifest> = {}): Manifest {
  return {
    topic,
    partition,
    generation: 'g1',
    partitions: 4,
    next_offset: 10,
    offset_base: 0,
    watermark_live: NOON,
    watermark_recorded: 0,
    dedup_from: 0,
    prior_version: 'p1',
    groups: ['kind:agent'],
    rules_version: 1,
    counters: { accepted: 9 },
    ...more,
  };
}

export function deadLetter(more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    reason: 'not_json',
    message: 'line 3 is not JSON',
    origin: 'http',
    position: '3',
    length: 5,
    bytes: Buffer.from('{"a":').toString('base64'),
    time: NOON,
    ...more,
  };
}

/** Blobs of one partition, as they are written. */
export function placed(topic: string, partition: number, blobs: readonly StateBlob[]): PlacedBlob[] {
  return blobs.map((blob) => ({ topic, partition, blob }));
}
