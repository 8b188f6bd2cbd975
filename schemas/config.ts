import { z } from 'zod';
import { Severity } from './alert.ts';
import { AuthConfig } from './auth-config.ts';
import { ExecutorConfig } from './executor-config.ts';
import { ContentConfig, IdentityConfig, OtlpConfig } from './ingest-settings.ts';
import { IngestSource, KafkaConfig } from './kafka-config.ts';
import { LIMITS, UNITS } from './limits.ts';

/**
 * The configuration of the service: countersign.yaml, COUNTERSIGN_* variables and command line options together.
 * Sections are handed out one by one; nobody gets the whole. Secrets are never in it: it names files that hold them.
 * Rules between fields stand in services/platform/config.ts.
 */
const filePath = () => z.string().min(1).max(4096);
const days = () => z.int().min(1).max(36_500);
/** Loopback addresses may be spoken to in the clear; others only over TLS, unless the section says otherwise. */
const webUrl = () => z.url({ protocol: /^https?$/ }).max(LIMITS.resource_id_chars_max);

export const ListenConfig = z.strictObject({
  host: z.string().min(1).max(255).default('127.0.0.1'),
  /** 0 takes any free port. */
  port: z.int().min(0).max(65_535).default(7788),
  tls: z.strictObject({ cert_file: filePath(), key_file: filePath() }).optional(),
  /** Without TLS only this machine may connect: API keys would cross the network in the clear. */
  allow_plaintext_beyond_loopback: z.boolean().default(false),
});

/** What a process does. All of them in one, or each in as many processes as wanted. */
export const PROCESS_ROLES = ['ingest', 'detect', 'deliver', 'contain', 'api'] as const;
export type ProcessRole = (typeof PROCESS_ROLES)[number];

export const LogConfig = z
  .strictObject({
    /** Fixed when the log is made. More partitions let more cores detect. Absent: 4, on Kafka 12. */
    partitions: z.int().min(1).max(1024).optional(),
    retention_days: days().default(30),
    /** Beyond it the log refuses writes, as on a full disk. Absent: the disk decides. */
    size_bytes_max: z
      .int()
      .min(64 * UNITS.MIB)
      .optional(),
    /** Absent: the log is a file in the data directory. */
    kafka: KafkaConfig.optional(),
  })
  .transform((log) => ({
    ...log,
    partitions: log.partitions ?? (log.kafka ? LIMITS.kafka_partitions_default : LIMITS.partitions_default),
  }));

export const StoreConfig = z.strictObject({
  /** A ClickHouse server. Absent: ClickHouse in this process, in the data directory. */
  url: webUrl().optional(),
  username: z.string().min(1).optional(),
  password_file: filePath().optional(),
  /** Authorities that vouch for the server's certificate, in PEM. Absent: those that Node.js knows. */
  ca_file: filePath().optional(),
  /** Permits http beyond this machine. */
  allow_plaintext: z.boolean().default(false),
  database: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, 'must be a name of letters, digits and underscores')
    .default('countersign'),
  /** The server's tables are replicated: writes wait for a quorum. */
  replicated: z.boolean().default(false),
  retention_days: days().default(400),
});

export const DetectConfig = z
  .strictObject({
    /** The alert budget; thresholds follow from it. Absent: 20, unless it is given for the whole fleet. */
    alerts_per_1000_identity_days: z.number().positive().max(100_000).optional(),
    /** The same for the whole fleet: how many it may be per identity-day follows from how many are active a day. */
    alerts_per_day: z.number().positive().max(100_000).optional(),
    /** Events this much behind the log's clock still count in time windows. */
    lateness_ms: z.int().min(LIMITS.future_ms).max(UNITS.DAY_MS).default(LIMITS.lateness_ms),
  })
  .refine((detect) => detect.alerts_per_day === undefined || detect.alerts_per_1000_identity_days === undefined, {
    error: 'is one budget too many beside alerts_per_1000_identity_days: leave one of the two out',
    path: ['alerts_per_day'],
  })
  .transform((detect) => ({
    ...detect,
    alerts_per_1000_identity_days: detect.alerts_per_1000_identity_days ?? LIMITS.alerts_per_1000_default,
  }));

export const IngestConfig = z.strictObject({
  /** Mapping files for sources that do not write canonical JSON. */
  mappings: z.array(filePath()).max(64).default([]),
  tool_catalogue: filePath().optional(),
  /** Topics that sources write. `agent.audit.raw` is read in any case. */
  sources: z.array(IngestSource).max(256).default([]),
  identity: IdentityConfig.prefault({}),
  content: ContentConfig.prefault({}),
  otlp: OtlpConfig.prefault({}),
});

export const DeliverConfig = z.strictObject({
  webhook: z
    .strictObject({
      url: webUrl(),
      /** Absent: COUNTERSIGN_DELIVER_WEBHOOK_SECRET. */
      secret_file: filePath().optional(),
      severity_min: Severity.default('low'),
      allow_private_networks: z.boolean().default(false),
    })
    .optional(),
});

export const ContainConfig = z.strictObject({
  /** Humans who must countersign; it can only ask for more than one, never for less. */
  approvals: z.int().min(1).max(10).default(1),
  approval_expiry_ms: z
    .int()
    .min(UNITS.MINUTE_MS)
    .max(30 * UNITS.DAY_MS)
    .default(LIMITS.approval_expiry_ms),
  execution_expiry_ms: z.int().min(UNITS.MINUTE_MS).max(UNITS.DAY_MS).default(LIMITS.execution_expiry_ms),
  /** How long what was executed may take to reach everywhere, and how long its effect is watched after that. */
  effect_grace_ms: z.int().min(0).max(UNITS.DAY_MS).default(LIMITS.effect_grace_ms),
  effect_watch_ms: z
    .int()
    .min(LIMITS.effect_watch_ms_min)
    .max(LIMITS.effect_watch_ms_max)
    .default(LIMITS.effect_watch_ms),
  executor_webhook: z
    .strictObject({
      url: webUrl(),
      /** Absent: COUNTERSIGN_CONTAIN_EXECUTOR_SECRET. */
      secret_file: filePath().optional(),
      /** The receiver acts once per webhook-id, so an unclear answer may be followed by another attempt. */
      deduplicates: z.boolean().default(true),
      /** Permits http beyond this machine, where the signature alone protects the message. */
      allow_plaintext: z.boolean().default(false),
      /** Permits a gateway at a private address, there also in the clear. */
      allow_private_networks: z.boolean().default(false),
    })
    .optional(),
  /** Who carries out what was countersigned; of several that can the first does. */
  executors: z.array(ExecutorConfig).max(LIMITS.executors_max).default([]),
});

/** What may leave: a list for all of it, beside the rules of each section. */
export const OutboundConfig = z.strictObject({
  /** Hosts that anything is sent to over HTTP, or `*.` and a domain for all below it. Absent: any. */
  allow: z
    .array(
      z
        .string()
        .regex(
          /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$|^\[[0-9A-Fa-f:.]+\]$/,
          'must be a host without port',
        ),
    )
    .max(256)
    .optional(),
});

export const AuditConfig = z.strictObject({
  /** Ed25519 private key, PKCS #8 in PEM. Absent: one in the data directory, made at the first start. */
  signing_key_file: filePath().optional(),
  /** The key before it: it vouches for the new one when they change. */
  previous_signing_key_file: filePath().optional(),
  /** Checkpoints are appended here. Absent: a file in the data directory. */
  checkpoint_file: filePath().optional(),
  /** A checkpoint after so many records, or after so long when there is anything new. */
  checkpoint_records: z.int().min(1).max(1_000_000).default(1_000),
  checkpoint_ms: z.int().min(UNITS.SECOND_MS).max(UNITS.DAY_MS).default(UNITS.MINUTE_MS),
  webhook: z
    .strictObject({
      url: webUrl(),
      /** Absent: COUNTERSIGN_AUDIT_WEBHOOK_SECRET. */
      secret_file: filePath().optional(),
      allow_private_networks: z.boolean().default(false),
    })
    .optional(),
});

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export const LoggingConfig = z.strictObject({ level: z.enum(LOG_LEVELS).default('info') });

export const Config = z.strictObject({
  data_dir: filePath().default('./.countersign'),
  roles: z
    .array(z.enum(PROCESS_ROLES))
    .min(1)
    .default([...PROCESS_ROLES]),
  /** Where people's browsers, and links in messages, find the service. Absent: where it listens. */
  public_url: webUrl()
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  listen: ListenConfig.prefault({}),
  auth: AuthConfig.prefault({}),
  log: LogConfig.prefault({}),
  store: StoreConfig.prefault({}),
  detect: DetectConfig.prefault({}),
  ingest: IngestConfig.prefault({}),
  deliver: DeliverConfig.prefault({}),
  contain: ContainConfig.prefault({}),
  audit: AuditConfig.prefault({}),
  outbound: OutboundConfig.prefault({}),
  logging: LoggingConfig.prefault({}),
});
export type Config = z.infer<typeof Config>;
