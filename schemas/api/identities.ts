import { z } from 'zod';
import { Alert } from '../alert.ts';
import { Coverage } from '../coverage.ts';
import { MATURITIES } from '../finding.ts';
import { ContainmentView } from './containments.ts';
import { DirectiveView } from './directives.ts';
import { pageOf } from './shared.ts';

const count = () => z.int().min(0);

const row = {
  identity: z.string(),
  kind: z.string(),
  owner: z.string().optional(),
  peer_group: z.string().optional(),
  version: z.string().optional(),
  events: count(),
  sessions: count(),
  /** Events that came too late or too early to count in windows, and events without any size. */
  late: count(),
  unsized: count(),
  /** Event times, epoch milliseconds. */
  first_seen: z.int(),
  last_seen: z.int(),
} as const;

/** How well it is known first, then what is missing of it. */
const coverage = z.array(Coverage);

export const IdentityView = z.object({ ...row, coverage });
export const IdentityPage = pageOf(IdentityView);

const Counted = z.object({ name: z.string(), count: count() });

export const IdentitySummaryView = z.object({
  ...row,
  tools: z.array(Counted),
  stores: z.array(Counted),
  operations: z.array(Counted),
  /** Newest last, by UTC day of event time. Unknown sizes count as nothing, and `unknown_out` says how many. */
  days: z.array(
    z.object({
      day: z.string(),
      events: count(),
      bytes_in: z.number(),
      bytes_out: z.number(),
      unknown_out: count(),
    }),
  ),
});

/** What was learned of an identity. */
export const ProfileView = z.object({
  events: count(),
  sessions: count(),
  first_ms: z.int(),
  last_ms: z.int(),
  maturity: z.enum(MATURITIES),
  /** Parts of the baseline that a declared change touched, and the sessions that each has still to learn. */
  relearning: z.array(z.object({ part: z.enum(['behaviour', 'tools', 'data', 'access']), sessions_left: count() })),
  /** Whom it is compared with: `derived` is a group of identities that use like tools, `kind` all of its kind. */
  peers: z
    .object({
      origin: z.enum(['declared', 'derived', 'kind']),
      name: z.string(),
      /** Identities that taught the group, estimated, and their sessions. */
      members: count(),
      sessions: count(),
      /** The population stands in for a group that taught too little. */
      yardstick: z.enum(['peer_group', 'population']),
    })
    .optional(),
  baselines: z.array(z.object({ detector: z.string(), name: z.string(), value: z.number(), unit: z.string() })),
});

/** Events that were accepted under one identity, because nobody had said whose they were, and that are another's. */
export const AliasView = z.object({
  /** `unresolved:<workload>` */
  identity: z.string(),
  resolved: z.string(),
  trace_id: z.string(),
  /** Keys of the first of them. */
  events: z.array(z.string()),
  count: count(),
  /** Log time at which it became known, epoch milliseconds. */
  time: z.int(),
});

export const IdentityAnswer = z.object({
  tenant: z.string(),
  identity: z.string(),
  coverage,
  /** Absent while none of its events is stored yet. */
  summary: IdentitySummaryView.optional(),
  /** Absent while nothing was learned yet. */
  baseline: ProfileView.optional(),
  open_alerts: z.array(Alert),
  containments: z.array(ContainmentView),
  /** What people told detection about it, its group or its tenant, in force now; newest first. */
  directives: z.array(DirectiveView),
  /** Findings that opened no alert because of a directive, as of the last durable state. */
  muted_findings: count(),
  /** Newest first. */
  aliases: z.array(AliasView),
});
