import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { UNITS } from '../../../schemas/limits.ts';
import { type Auditing, configurationDigest } from '../../control/auditor.ts';
import { type CheckpointFile, openCheckpointFile } from '../../control/checkpoint-file.ts';
import { type CheckpointWebhook, flushCheckpoints, sendCheckpoints } from '../../control/checkpoint-webhook.ts';
import { newSigningKey, type Signer, signerOf } from '../../control/checkpoints.ts';
import { type Clock, systemClock } from '../../platform/clock.ts';
import type { DataDir } from '../../platform/data-dir.ts';
import { LogUnavailable, PositionConflict } from '../../platform/event-log.ts';
import { checkTarget, post } from '../../platform/http-post.ts';
import { decodeWebhookSecret } from '../../platform/standard-webhooks.ts';
import { EXIT, Problem } from '../problem.ts';
import type { Ground } from './foundation.ts';
import { outboundPolicy } from './outbound.ts';

const LAST_MS = 5 * UNITS.SECOND_MS;

/** What the responder of this process signs with. Makes the key at the first start. Throws a Problem. */
export function auditingOf({ config, dir }: Pick<Ground, 'config' | 'dir'>): Auditing {
  const { signing_key_file, previous_signing_key_file, checkpoint_records, checkpoint_ms } = config.audit;
  if (signing_key_file === undefined && !existsSync(dir.auditKey)) writeKey(dir.auditKey, newSigningKey());
  const before = previous_signing_key_file ?? (existsSync(dir.auditKeyBefore) ? dir.auditKeyBefore : undefined);
  return {
    signer: readSigner(signing_key_file ?? dir.auditKey, 'audit.signing_key_file'),
    previous: before === undefined ? undefined : readSigner(before, 'audit.previous_signing_key_file'),
    records: checkpoint_records,
    every_ms: checkpoint_ms,
    configuration: configurationDigest(config),
  };
}

/** Puts a new key in the place of the one in the data directory, which is kept to vouch for it. */
export function replaceSigningKey(dir: DataDir): void {
  const fresh = newSigningKey();
  if (existsSync(dir.auditKey)) renameSync(dir.auditKey, dir.auditKeyBefore);
  writeKey(dir.auditKey, fresh);
}

/** Written whole or not at all: half a key would be none. */
function writeKey(path: string, pem: string): void {
  writeFileSync(`${path}.new`, pem, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readSigner(file: string, field: string): Signer {
  const refused = (what: string) => new Problem('config_invalid', `${field}: ${file} ${what}`, EXIT.usage);
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    throw refused(`cannot be read: ${(error as Error).message}`);
  }
  const signer = signerOf(pem);
  if (signer !== undefined) return signer;
  throw refused('holds no Ed25519 private key in PEM: make one with `openssl genpkey -algorithm ed25519`');
}

/** Runs work with the checkpoints of the log being handed out beside it. */
export type HandingOut = (signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>) => Promise<void>;

/**
 * Where checkpoints go, by the configuration. What is returned rejects before `work` begins when the file of checkpoints says
 * that the log has lost its tail. Throws a Problem.
 */
export function handingOutOf(ground: Ground): HandingOut {
  const { log, telemetry, config, dir } = ground;
  const clock = systemClock;
  const path = config.audit.checkpoint_file ?? dir.auditCheckpoints;
  const target = webhookOf(ground);
  const webhook = target === undefined ? undefined : { log, clock, telemetry, post, ...target };
  return async (signal, work) => {
    const file = await openCheckpointFile({ log, clock, telemetry, path });
    await handOut({ file, webhook, clock }, signal, work);
  };
}

type Outlets = {
  readonly file: CheckpointFile;
  readonly webhook: CheckpointWebhook | undefined;
  readonly clock: Clock;
};

async function handOut(
  { file, webhook, clock }: Outlets,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  // What the work signs last is handed out as well, so this goes on until it has ended.
  const over = new AbortController();
  const broken = new AbortController();
  const handing = Promise.all([
    file.follow(over.signal),
    webhook === undefined ? undefined : sendCheckpoints(webhook, over.signal),
  ]);
  handing.catch(() => broken.abort());
  try {
    await work(AbortSignal.any([signal, broken.signal]));
  } finally {
    over.abort();
    try {
      await handing;
      await file.flush();
      if (webhook !== undefined) await inTime(clock, (limit) => flushCheckpoints(webhook, limit));
    } finally {
      await file.close();
    }
  }
}

/** Gives it up after a while: what is not sent now is sent after the next start. */
async function inTime(clock: Clock, send: (limit: AbortSignal) => Promise<void>): Promise<void> {
  const limit = new AbortController();
  try {
    await Promise.race([send(limit.signal), clock.sleep(LAST_MS, limit.signal)]);
  } catch (error) {
    if (!(error instanceof LogUnavailable || error instanceof PositionConflict)) throw error;
  } finally {
    limit.abort();
  }
}

function webhookOf({ config, secrets }: Ground) {
  const { webhook } = config.audit;
  if (webhook === undefined || secrets.audit_webhook_secret === undefined) return undefined;
  const policy = outboundPolicy(config, webhook);
  const url = checkTarget(webhook.url, policy);
  if (typeof url === 'string') throw new Problem('config_invalid', `audit.webhook.url: ${url}`, EXIT.usage);
  const key = decodeWebhookSecret(secrets.audit_webhook_secret);
  if (key !== undefined) return { url, key, policy };
  const message = 'audit.webhook.secret_file: it is no signing secret; write whsec_ and base64 of 24 to 64 bytes';
  throw new Problem('config_invalid', message, EXIT.usage);
}
