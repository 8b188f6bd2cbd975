import type { IdentityKind } from '../../../schemas/event.ts';
import { readUserIdentity, type UserIdentity, whoOf } from '../cloudtrail/identity.ts';
import { parseArn } from '../cloudtrail/principal.ts';
import type { JsonObject } from '../decode.ts';
import type { Refusal } from '../refusal.ts';
import { codeOf, flagOf, objectOf, textOf } from '../typed-rows.ts';

export type Actor = {
  readonly identity: {
    readonly id: string;
    readonly kind: IdentityKind;
    readonly name: string | undefined;
    readonly peer_group: string | undefined;
    readonly version: string | undefined;
  };
  readonly session: string | undefined;
  readonly on_behalf_of: string | undefined;
  readonly credential: string | undefined;
  /** The application through which a user acts. */
  readonly application: string | undefined;
};

type Parts = { readonly event: JsonObject; readonly user: JsonObject; readonly session: JsonObject };

/**
 * Whose the call is: the AI agent where the event names one, else the user by the rules of CloudTrail when it is one of
 * AWS, else the user by its most lasting name, else the application.
 */
export function actorOf(event: JsonObject): Actor | Refusal {
  const actor = objectOf(event.actor);
  const parts: Parts = { event, user: objectOf(actor.user), session: objectOf(actor.session) };
  const application = applicationOf(actor);
  const credential = textOf(parts.user.credential_uid) ?? textOf(parts.session.credential_uid);
  const agent = agentOf(parts, application);
  if (agent !== undefined) return { ...agent, credential, application };
  const aws = awsUser(parts, application);
  if (aws !== undefined) {
    const who = whoOf(aws, awsRecord(event));
    if ('reason' in who) return NOBODY;
    const session = textOf(parts.session.uid) ?? began(who.session, parts.session);
    const identity = { ...who.identity, version: undefined };
    return { identity, session, on_behalf_of: who.person, credential, application };
  }
  const id = userId(parts.user) ?? application;
  if (id === undefined) return NOBODY;
  const account = accountOf(parts);
  const type = textOf(parts.user.type) ?? 'User';
  const identity = {
    id,
    kind: userId(parts.user) === undefined ? 'service' : kindOf(parts.user),
    name: userName(parts.user) ?? application,
    peer_group: account === undefined ? undefined : `${account}/${type}`,
    version: undefined,
  } as const;
  const session = textOf(parts.session.uid) ?? began(id, parts.session);
  return { identity, session, on_behalf_of: undefined, credential, application };
}

const NOBODY: Refusal = {
  kind: 'refused',
  reason: 'schema_mismatch',
  field: 'actor',
  message:
    'actor: names nobody: no user with uid, uid_alt, email_addr or name, no application and no ai_agent; fill one of them at the source',
};

function applicationOf(actor: JsonObject): string | undefined {
  const application = objectOf(actor.application);
  return (
    textOf(application.uid) ??
    textOf(application.name) ??
    textOf(actor.app_uid) ??
    textOf(actor.app_name) ??
    textOf(actor.invoked_by)
  );
}

function agentOf(
  { event, user, session }: Parts,
  application: string | undefined,
): Pick<Actor, 'identity' | 'session' | 'on_behalf_of'> | undefined {
  const agent = objectOf(event.ai_agent);
  const id = textOf(agent.uid);
  if (id === undefined) return undefined;
  return {
    identity: { id, kind: 'agent', name: textOf(agent.name), peer_group: undefined, version: textOf(agent.version) },
    session: textOf(agent.instance_uid) ?? textOf(session.uid) ?? began(id, session),
    on_behalf_of: userId(user) ?? application,
  };
}

const firstArn = (values: readonly unknown[]): string | undefined =>
  values.map(textOf).find((value) => value !== undefined && parseArn(value) !== undefined);

/** What CloudTrail had said of the user; undefined when it is none of AWS. */
function awsUser({ event, user, session }: Parts, application: string | undefined): UserIdentity | undefined {
  const service = textOf(objectOf(objectOf(event.api).service).name);
  const arn = firstArn([user.uid, user.uid_alt, user.uuid, session.uid_alt]);
  if (arn === undefined && service?.endsWith('.amazonaws.com') !== true) return undefined;
  const principal = textOf(user.uid_alt) ?? textOf(user.uid);
  return {
    ...readUserIdentity({}),
    type: textOf(user.type),
    arn,
    principal: principal === arn ? undefined : principal,
    account: accountOf({ event, user, session }),
    user: textOf(user.name),
    invoked_by: application,
    issuer: textOf(session.issuer),
    credential: textOf(user.credential_uid),
    mfa: flagOf(session.is_mfa) === true,
  };
}

/** What the rules of CloudTrail look at beside the user. */
function awsRecord(event: JsonObject): JsonObject {
  const cloud = objectOf(event.cloud);
  return {
    recipientAccountId: objectOf(cloud.account).uid,
    awsRegion: cloud.region,
    eventSource: objectOf(objectOf(event.api).service).name,
    eventType: objectOf(event.unmapped).eventType,
  };
}

function accountOf({ event, user }: Parts): string | undefined {
  const own = textOf(objectOf(user.account).uid) ?? textOf(user.account_uid);
  return own ?? textOf(objectOf(objectOf(event.cloud).account).uid);
}

function userId(user: JsonObject): string | undefined {
  const id = textOf(user.uid) ?? textOf(user.uid_alt) ?? textOf(user.email_addr);
  if (id !== undefined) return id;
  const name = textOf(user.name);
  const domain = textOf(user.domain);
  return name === undefined || domain === undefined ? name : `${domain}\\${name}`;
}

const userName = (user: JsonObject): string | undefined =>
  textOf(user.full_name) ?? textOf(user.name) ?? textOf(user.email_addr);

/** `type_id` of the user object: 3 is System, 4 Service. 1 and 2, user and administrator, need not be persons. */
function kindOf(user: JsonObject): IdentityKind {
  const type = codeOf(user.type_id);
  return type === 3 || type === 4 ? 'service' : 'unknown';
}

/** Sessions without an id begin at a time. */
function began(name: string | undefined, session: JsonObject): string | undefined {
  const time = textOf(session.created_time_dt) ?? textOf(session.created_time);
  if (time === undefined) return undefined;
  return name === undefined ? time : `${name}@${time}`;
}
