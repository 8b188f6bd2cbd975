import type { Profile } from '../../detectors/contract.ts';
import type { StateFacts } from '../../detectors/coverage.ts';
import type { Alert, Severity } from '../../schemas/alert.ts';
import type { DeliveryState } from '../../schemas/api/access.ts';
import type { PolicyAnswer, PolicyDryRunAnswer } from '../../schemas/api/policy.ts';
import type { ChainHead } from '../../schemas/audit.ts';
import type { Command } from '../../schemas/command.ts';
import type { Containment } from '../../schemas/containment.ts';
import type { DeadLetter } from '../../schemas/dead-letter.ts';
import type { FormatName } from '../../schemas/format.ts';
import type { PolicyDocument } from '../../schemas/policy.ts';
import type { NamedPulse } from '../../schemas/pulse.ts';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import type { Answer } from '../control/command-bus.ts';
import type { RandomBytes } from '../control/keys.ts';
import type { ControlState } from '../control/state.ts';
import type { Clock } from '../platform/clock.ts';
import type { EventLog } from '../platform/event-log.ts';
import type { ReadStore } from '../platform/store.ts';
import type { Telemetry } from '../platform/telemetry.ts';
import type { OidcProvider } from './auth/oidc.ts';

/**
 * Everything the API needs of the other stages, as plain functions. Whoever composes the service hands them in; the API
 * imports no stage, and a test can leave out what it does not use.
 */
export type Ports = {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** `node:crypto`'s randomBytes: keys, request ids, command ids. */
  readonly randomBytes: RandomBytes;
  /** Version of the service, for status and the OpenAPI document. */
  readonly version: string;
  readonly ingest: IngestPort;
  readonly store: ReadStore;
  /** A `ControlView` is one. */
  readonly control: { readonly state: ControlState; head(): ChainHead };
  /** A `CommandBus` over the same view is one. */
  readonly commands: { ask(command: Command): Promise<Answer> };
  readonly auth: AuthPort;
  readonly feed: FeedPort;
  readonly webhooks: WebhooksPort;
  readonly detect: DetectPort;
  readonly policy: PolicyPort;
  readonly log: Pick<EventLog, 'bounds' | 'counters' | 'describe' | 'read'>;
  /** What would be sent for a containment, by the executors of this process's configuration; nothing is. */
  readonly plan: (containment: Containment) => PlannedOrder | undefined;
  /** The baseline of an identity as of its last durable state; undefined when nothing was learned yet. */
  readonly readProfile: (tenant: string, identity: string) => Promise<IdentityProfile | undefined>;
  /** What the last durable states say of the coverage of identities, by identity; of some there is nothing yet. */
  readonly readStates: (tenant: string, identities: readonly string[]) => Promise<ReadonlyMap<string, StateFacts>>;
  readonly readiness: () => Promise<ReadinessReport>;
  /** Prometheus text exposition format 0.0.4. */
  readonly metrics: () => Promise<string>;
};

/** How people sign in. */
export type AuthPort = {
  /** 32 bytes that all API processes share: they read each other's cookies. */
  readonly cookie_key: Buffer;
  /** Browsers reach the service over TLS, its own or that of a proxy in front. */
  readonly secure: boolean;
  /** Where people's browsers find the service, without a slash at the end; undefined: where it listens. */
  readonly public_url: string | undefined;
  readonly session_ms: number;
  readonly idle_ms: number;
  readonly providers: readonly OidcProvider[];
};

/** The dry run of an order: without secrets, and text of agents in it. */
export type PlannedOrder = {
  readonly executor: string;
  readonly direction: 'contain' | 'restore';
  readonly dry_run: string;
  readonly idempotent: boolean;
  readonly can_probe: boolean;
};

/** What was learned of an identity, and how many of its findings a directive has muted. */
export type IdentityProfile = Profile & { readonly muted_findings?: number };

export type IngestItem = {
  readonly bytes: Buffer;
  readonly position: string;
  readonly broken?: {
    readonly refusal: {
      readonly kind: 'refused';
      readonly reason: DeadLetter['reason'];
      readonly message: string;
      readonly field?: string;
    };
    readonly length: number;
  };
};

export type SubmittedResult =
  | { readonly status: 'accepted'; readonly position: string; readonly key: string; readonly id: string }
  | {
      readonly status: 'dead_lettered';
      readonly position: string;
      readonly reason: DeadLetter['reason'];
      readonly message: string;
      readonly field?: string;
    }
  | { readonly status: 'absorbed' | 'held'; readonly position: string };

export type IngestPort = {
  /** Names of the configured mappings. */
  readonly mappings: readonly string[];
  /** Cuts a body, NDJSON or one JSON list, into its items; `name` stands before their positions. */
  split(body: Buffer, name: string): readonly IngestItem[];
  /**
   * Decides the items and makes what became of them durable, as one. `mapping` is one of `mappings`.
   * Rejects with LogUnavailable, and nothing is acknowledged then.
   */
  submit(
    items: readonly IngestItem[],
    options: {
      readonly format: FormatName;
      readonly mapping?: string;
      readonly origin: string;
    },
  ): Promise<{
    readonly received: number;
    readonly accepted: number;
    readonly dead_lettered: number;
    readonly absorbed: number;
    readonly held: number;
    readonly results: readonly SubmittedResult[];
  }>;
};

/** The containment policy as the stage that decides reads it. */
export type PolicyPort = {
  /** What the configuration asks for: no policy asks for less. */
  readonly floor: PolicyAnswer['floor'];
  dryRun(document: PolicyDocument): PolicyDryRunAnswer;
};

export type FeedFilter = {
  readonly tenant?: string;
  readonly severity_min?: Severity;
  readonly identity?: string;
  readonly status?: Alert['status'];
};

export type FeedRequest = {
  /** Absent: from the first alert the feed still holds. */
  readonly cursor?: string;
  readonly limit: number;
  readonly filter?: FeedFilter;
  readonly wait?: { readonly ms: number; readonly clock: Clock; readonly signal: AbortSignal };
};

export type FeedPage =
  | {
      readonly ok: true;
      readonly items: readonly { readonly alert: Alert; readonly cursor: string }[];
      readonly next_cursor: string;
      readonly more: boolean;
    }
  | { readonly ok: false; readonly error: { readonly code: FeedCursorError; readonly message: string } };

export type FeedCursorError =
  | 'cursor_malformed'
  | 'cursor_version'
  | 'cursor_generation'
  | 'cursor_expired'
  | 'cursor_beyond_end';

export type FeedPort = {
  /** `readAlerts` of services/deliver/pull.ts, bound to the log. */
  read(request: FeedRequest): Promise<FeedPage>;
  /** The cursor of the present end of the feed. */
  end(): Promise<string>;
};

/** How messages are being sent. */
export type LaneReport = {
  readonly state: DeliveryState;
  /** Failed attempts of the message that is sent now, and when it is tried again. */
  readonly attempts: number;
  readonly next_attempt_ms: number | undefined;
  readonly last_error: string | undefined;
  readonly last_delivered_ms: number | undefined;
};

export type SubscriptionReport = LaneReport & {
  readonly entry: SubscriptionEntry;
  /** Records of the feed that it has not passed yet. */
  readonly behind: number;
  readonly redelivery: LaneReport | undefined;
};

export type RedeliverRefusal = 'subscription_unknown' | 'webhook_id_unknown' | 'redelivery_active';

/** A `Webhooks` of services/deliver/webhook.ts is one; `webhooksElsewhere` where another process runs the lanes. */
export type WebhooksPort = {
  /** Every subscription, that of the configuration too. Rejects with LogUnavailable. */
  status(): Promise<readonly SubscriptionReport[]>;
  /** Sends the messages from one webhook-id to another again. Durable once it resolves. */
  redeliver(
    subscription: string,
    range: { readonly first: string; readonly last: string },
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly code: RedeliverRefusal; readonly message: string }>;
  /** Ends the pause before the next attempt. False when there is no such subscription. */
  retryNow(subscription: string): Promise<boolean>;
};

export type DetectPartition = {
  readonly partition: number;
  /** Worked on by this process. Of the others only what their last checkpoint says is known. */
  readonly here: boolean;
  readonly state: 'running' | 'gap';
  readonly gap?: { readonly reason: string; readonly message: string };
  readonly next_offset: number;
  readonly durable_offset: number;
  readonly resident: number;
  readonly counters: Readonly<Record<string, number>>;
  readonly watermark: { readonly live: number; readonly recorded: number };
  /** How its sources and peer groups are heard of. */
  readonly pulses: readonly NamedPulse[];
};

export type DetectPort = {
  /** Names of `Model.detectors`, in the order of an event's score parts. */
  readonly detectors: readonly string[];
  /** All partitions of the cluster. Rejects with LogUnavailable. */
  status(): Promise<readonly DetectPartition[]>;
  stalled(): boolean;
  /** Of what was handed on for stories over several identities. Rejects with LogUnavailable. */
  stories(): Promise<{ readonly next_offset: number; readonly end_offset: number }>;
};

export type ReadinessReport = {
  readonly ready: boolean;
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
};
