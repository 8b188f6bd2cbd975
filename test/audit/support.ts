import { createHash } from 'node:crypto';
import type { ControlRecord } from '../../schemas/control.ts';
import { readExport } from '../../services/control/audit-export.ts';
import { type AuditEvidence, type AuditReport, verifyExport } from '../../services/control/audit-verify.ts';
import { type Auditing, configurationDigest } from '../../services/control/auditor.ts';
import { newSigningKey, publicPem, type Signer, signerOf } from '../../services/control/checkpoints.ts';
import { readControl } from '../../services/control/writer.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { encodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { bootstrapPeople, openDesk, respond } from '../contain/harness.ts';
import { alertOf } from '../contain/samples.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { newDisk, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';

export const SECRET = encodeWebhookSecret(Buffer.alloc(32, 7));

export function newSigner(): { readonly signer: Signer; readonly pem: string } {
  const pem = newSigningKey();
  const signer = signerOf(pem);
  if (signer === undefined) throw new Error('a new key is no key');
  return { signer, pem };
}

export function auditingWith(signer: Signer, over: Partial<Auditing> = {}): Auditing {
  return { signer, records: 4, every_ms: 60_000, configuration: configurationDigest({ a: 1, b: { c: [2] } }), ...over };
}

export type Stage = { readonly disk: SimulatedDisk; readonly clock: ManualClock; readonly log: EventLog };

export function emptyStage(): Stage {
  const disk = newDisk({ partitions: 2, random: () => 0.5 });
  const clock = manualClock();
  return { disk, clock, log: openSimulatedLog({ disk, clock }) };
}

/** A responder works for a while and stops: people, a subscription with a secret, a proposal, a vote, a verdict. */
export async function work({ log, clock }: Stage, audit: Auditing, name = 'first'): Promise<void> {
  await bootstrapPeople(log, clock);
  const desk = await openDesk(log, clock);
  const responder = respond(log, clock, { audit, instance: name });
  const subscription = {
    id: 'soc',
    url: 'https://example.com/',
    secrets: [SECRET],
    format: 'ocsf',
    severity_min: 'low',
  };
  await desk.ask('admin', { type: 'subscription_set', subscription } as never, `${name}-subscription`);
  const uid = createHash('sha256').update(name).digest('hex').slice(0, 32);
  const value = Buffer.from(JSON.stringify(alertOf({ uid })));
  await log.transact({ records: [{ topic: TOPICS.feed, partition: 0, key: uid, value }] });
  const verdict = { type: 'verdict', alert_uid: uid, tenant: 'default', identity: 'agent-7', verdict: 'true_positive' };
  await desk.ask('admin', verdict as never, `${name}-verdict`);
  await desk.ask('olga', { type: 'key_revoke', key: '0'.repeat(16) }, `${name}-key-revoke`);
  await responder.stop();
  await desk.view.close();
}

export async function exportOf(log: EventLog): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for (let at = { offset: 0, n: 1 }; ; ) {
    const page = await readExport(log, at);
    lines.push(...page.lines.map(({ bytes }) => Buffer.from(bytes)));
    if (page.next.offset === at.offset) return lines;
    at = page.next;
  }
}

export async function recordsOf(log: EventLog): Promise<ControlRecord[]> {
  const records: ControlRecord[] = [];
  for (let next = 0; ; ) {
    const read = await readControl(log, next);
    records.push(...read.entries.map(({ record }) => record));
    if (read.next === next) return records;
    next = read.next;
  }
}

export async function checkpointsOf(log: EventLog): Promise<string[]> {
  return (await recordsOf(log)).flatMap((record) => (record.kind === 'checkpoint_signed' ? [record.checkpoint] : []));
}

/** What was exported of a log on which two responders have worked, and what was kept elsewhere. */
export type Sample = {
  readonly lines: readonly Buffer[];
  readonly checkpoints: readonly string[];
  readonly signer: Signer;
  readonly pem: string;
};

export async function sample(): Promise<Sample> {
  const stage = emptyStage();
  const { signer } = newSigner();
  await work(stage, auditingWith(signer), 'first');
  stage.clock.advance(100_000);
  await work(stage, auditingWith(signer), 'second');
  const { log } = stage;
  const made = {
    lines: await exportOf(log),
    checkpoints: await checkpointsOf(log),
    signer,
    pem: publicPem(signer.key),
  };
  await log.close();
  return made;
}

export function verify(
  { lines, checkpoints, signer }: Sample,
  over: Partial<AuditEvidence> = {},
): Promise<AuditReport> {
  return verifyExport({ lines, from: 1, checkpoints, keys: [signer.key], ...over });
}

/** The lines with their chain made anew from a place on, as somebody would who owns the log but not the key. */
export function rechained(lines: readonly Buffer[], from: number): Buffer[] {
  const made: Buffer[] = [];
  for (const [index, line] of lines.entries()) {
    if (index < from) {
      made.push(line);
      continue;
    }
    const record = JSON.parse(line.toString('utf8')) as object;
    const before = made[index - 1];
    const prev = createHash('sha256')
      .update(before ?? '')
      .digest('hex');
    made.push(Buffer.from(JSON.stringify({ ...record, chain: { n: index + 1, prev } })));
  }
  return made;
}
