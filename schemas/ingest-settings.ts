import { z } from 'zod';
import { IdentityKind } from './event.ts';
import { LIMITS } from './limits.ts';

/** What the operator decides about all input formats: whose an item is, and what becomes of content. docs/sources/genai.md. */
const name = () => z.string().min(1).max(256);

/**
 * Where a value is found: `attribute:<name>` of the span or log record, `resource:<name>` of what emitted it,
 * `claim:<name>` of the claims that `identity.claims` names; `workload` is `service.namespace/service.name`, `model` the
 * model with the version of its prompt.
 */
const SELECTOR = /^(?:(?:attribute|resource|claim):\S(?:.*\S)?|workload|model)$/;
export const Selector = name().regex(
  SELECTOR,
  'names no place; write attribute:<name>, resource:<name>, claim:<name>, workload or model',
);
/** Whoever is found there is of that kind. */
export const KindSelector = z.union([Selector, z.strictObject({ from: Selector, kind: IdentityKind })]);
export type KindSelector = z.infer<typeof KindSelector>;

const order = (...selectors: string[]) => z.array(Selector).max(16).default(selectors);
const orderOfKinds = (...selectors: KindSelector[]) => z.array(KindSelector).max(16).default(selectors);

/** For each field the places to look at, the first that has a value counts. A list that is given replaces the default. */
export const IdentityConfig = z.strictObject({
  /** Settle whose an item is at once. */
  agent_id: orderOfKinds(
    'attribute:gen_ai.agent.id',
    'attribute:agent.id',
    'resource:gen_ai.agent.id',
    'resource:agent.id',
  ),
  /** The name shown; with the workload also the identity of an agent without an id. */
  agent_name: order('attribute:gen_ai.agent.name', 'attribute:agent.name', 'resource:gen_ai.agent.name'),
  /** Who acts where no agent is known and no parent could tell. */
  principal: orderOfKinds(
    { from: 'attribute:client.id', kind: 'service' },
    { from: 'attribute:enduser.id', kind: 'human' },
    { from: 'attribute:user.id', kind: 'human' },
  ),
  owner: order('attribute:gen_ai.agent.owner', 'resource:gen_ai.agent.owner', 'resource:service.owner'),
  peer_group: order('attribute:gen_ai.agent.group', 'resource:gen_ai.agent.group'),
  version: order(
    'attribute:gen_ai.agent.version',
    'resource:gen_ai.agent.version',
    'resource:service.version',
    'model',
  ),
  credential: order('attribute:credential.id', 'attribute:api_key.id', 'claim:client_id', 'claim:azp'),
  on_behalf_of: order(
    'attribute:enduser.id',
    'attribute:user.id',
    'attribute:traceloop.association.properties.user_id',
  ),
  session: order(
    'attribute:gen_ai.conversation.id',
    'attribute:session.id',
    'attribute:traceloop.association.properties.session_id',
    'attribute:traceloop.association.properties.chat_id',
    'attribute:gcp.vertex.agent.session_id',
    'attribute:langfuse.session.id',
  ),
  /** The attribute that holds claims: a JWT, with or without `Bearer`, or a JSON object. Read, neither verified nor kept. */
  claims: name()
    .regex(/^(?:attribute|resource):\S(?:.*\S)?$/, 'names no place; write attribute:<name> or resource:<name>')
    .optional(),
  /** An event whose identity others must tell waits for so long at most, in log time; then it is `unresolved:<workload>`. */
  bound_ms: z.int().min(0).max(LIMITS.settle_memory_ms).default(LIMITS.settle_bound_ms),
});
export type IdentityConfig = z.infer<typeof IdentityConfig>;

/** Content (prompts, arguments, results) is measured and dropped, unless this says otherwise. */
export const ContentConfig = z.strictObject({
  /** Attributes whose content stays with the event. */
  keep: z.array(name()).max(32).default([]),
  /** Arguments and results leave a keyed hash. Absent: COUNTERSIGN_INGEST_CONTENT_HASH_KEY, else no hash. */
  hash_key_file: z.string().min(1).max(4096).optional(),
  /** What names the resources of a tool call: the vocabulary of argument names where the catalogue says nothing, or it alone. */
  targets: z.enum(['vocabulary', 'catalogue']).default('vocabulary'),
});
export type ContentConfig = z.infer<typeof ContentConfig>;

export const OtlpConfig = z.strictObject({
  /** Whether calls of models are events of their own, or only tell what belongs together. */
  model_calls: z.enum(['absorbed', 'accepted']).default('absorbed'),
  /** Whether a server's record of a tool call with a parent is an event beside the client's. */
  server_calls: z.enum(['absorbed', 'accepted']).default('absorbed'),
});
export type OtlpConfig = z.infer<typeof OtlpConfig>;
