import type { IdentityKind } from '../../../schemas/event.ts';
import type { JsonObject } from '../decode.ts';
import type { Refusal } from '../refusal.ts';
import { flagOf, objectOf, textOf } from '../typed-rows.ts';
import {
  credentialKind,
  isServiceRole,
  memberArn,
  memberOf,
  parseArn,
  type RoleSession,
  roleSessionOf,
} from './principal.ts';

export type Who = {
  readonly identity: {
    readonly id: string;
    readonly kind: IdentityKind;
    readonly name: string | undefined;
    readonly peer_group: string | undefined;
  };
  /** Name of the session, of the person, or undefined: what tells sessions of one identity apart. */
  readonly session: string | undefined;
  readonly person: string | undefined;
};

/** What `userIdentity` says, read once, with absent fields undefined. */
export type UserIdentity = {
  readonly type: string | undefined;
  readonly arn: string | undefined;
  readonly principal: string | undefined;
  readonly account: string | undefined;
  readonly user: string | undefined;
  readonly provider: string | undefined;
  readonly invoked_by: string | undefined;
  readonly issuer: string | undefined;
  readonly issuer_name: string | undefined;
  readonly issuer_type: string | undefined;
  readonly on_behalf_of: string | undefined;
  readonly source_identity: string | undefined;
  readonly created: string | undefined;
  readonly mfa: boolean;
  readonly issued_to: string | undefined;
  readonly credential: string | undefined;
};

export function readUserIdentity(record: JsonObject): UserIdentity {
  const user = objectOf(record.userIdentity);
  const context = objectOf(user.sessionContext);
  const issuer = objectOf(context.sessionIssuer);
  const attributes = objectOf(context.attributes);
  const behalf = objectOf(user.onBehalfOf);
  const user_id = textOf(behalf.userId);
  const store = textOf(behalf.identityStoreArn);
  return {
    type: textOf(user.type),
    arn: textOf(user.arn),
    principal: textOf(user.principalId),
    account: textOf(user.accountId),
    user: textOf(user.userName),
    provider: textOf(user.identityProvider),
    invoked_by: textOf(user.invokedBy),
    issuer: textOf(issuer.arn),
    issuer_name: textOf(issuer.userName),
    issuer_type: textOf(issuer.type),
    on_behalf_of: user_id === undefined || store === undefined ? user_id : `${store}/${user_id}`,
    source_identity: textOf(context.sourceIdentity),
    created: textOf(attributes.creationDate),
    mfa: flagOf(attributes.mfaAuthenticated) === true,
    issued_to: textOf(objectOf(user.inScopeOf).credentialsIssuedTo),
    credential: textOf(user.accessKeyId) ?? textOf(user.credentialId),
  };
}

/** Whose the call is, by the rule of docs/sources/cloudtrail.md. */
export function whoOf(user: UserIdentity, record: JsonObject): Who | Refusal {
  const recipient = textOf(record.recipientAccountId);
  const role = user.type === 'AWSService' ? undefined : roleOf(user);
  if (role !== undefined) return roleMember(role, user);
  if (user.type === 'FederatedUser' && user.arn !== undefined) return federated(user, user.arn);
  const named = byType(user, record);
  if (named !== undefined) {
    const group = user.account ?? recipient;
    const peer_group = group === undefined ? undefined : `${group}/${user.type ?? 'Unknown'}`;
    return { ...named, identity: { ...named.identity, peer_group } };
  }
  const service = serviceOf(user, record);
  if (service === undefined) return NOBODY;
  const id = recipient === undefined ? service : `${service}/${recipient}`;
  const peer_group = recipient === undefined ? undefined : `${recipient}/AWSService`;
  return { identity: { id, kind: 'service', name: service, peer_group }, session: undefined, person: undefined };
}

const NOBODY: Refusal = {
  kind: 'refused',
  reason: 'schema_mismatch',
  field: 'userIdentity',
  message:
    'userIdentity: names nobody: no ARN, no principal, no user and no service; send the record with userIdentity as CloudTrail wrote it',
};

/** The role in use. Where the ARN has no name of a session, the principal (`AROA...:session`) may have it. */
function roleOf(user: UserIdentity): RoleSession | undefined {
  const role = roleSessionOf(user.arn, user.issuer);
  if (role === undefined || role.session !== undefined) return role;
  const colon = user.principal?.indexOf(':') ?? -1;
  return colon === -1 ? role : { ...role, session: user.principal?.slice(colon + 1) };
}

function roleMember(role: RoleSession, user: UserIdentity): Who {
  const member = memberOf(role);
  const { session, account, role: name } = role;
  if (member === undefined) {
    const kind = isServiceRole(role) ? 'service' : user.issued_to === undefined ? 'unknown' : 'workload';
    const peer_group = `${account}/Role`;
    return { identity: { id: role.role_arn, kind, name, peer_group }, session, person: undefined };
  }
  const kind = member === 'person' ? 'human' : 'workload';
  const identity = { id: memberArn(role), kind, name: session, peer_group: role.role_arn } as const;
  return { identity, session, person: member === 'person' ? session : undefined };
}

type Named = Omit<Who, 'identity'> & { readonly identity: Omit<Who['identity'], 'peer_group'> };

/**
 * Whoever calls GetFederationToken chooses the name in it, as with the session of a role: who acts is who called, unless
 * the name is a mail address.
 */
function federated(user: UserIdentity, arn: string): Who {
  const name = arn.slice(arn.lastIndexOf('/') + 1);
  const caller = user.issuer ?? arn;
  if (name.includes('@')) {
    return { identity: { id: arn, kind: 'human', name, peer_group: caller }, session: name, person: name };
  }
  const peer_group = `${accountOf(user) ?? ''}/${user.issuer_type ?? 'IAMUser'}`;
  const identity = { id: caller, kind: 'unknown', name: user.issuer_name ?? name, peer_group } as const;
  return { identity, session: name, person: undefined };
}

function byType(user: UserIdentity, record: JsonObject): Named | undefined {
  switch (user.type) {
    case 'AWSService':
      return undefined;
    case 'IAMUser':
      return named(user.arn ?? userArn(user, record) ?? user.principal, iamUserKind(user, record), user.user);
    case 'Root':
      return named(user.arn ?? rootArn(user) ?? user.principal, 'human', user.user ?? 'root');
    case 'IdentityCenterUser':
      return named(user.on_behalf_of ?? user.arn ?? user.principal, 'human', user.user);
    case 'Directory':
      return named(user.arn ?? user.principal ?? user.user, 'human', user.user);
    case 'SAMLUser':
      return named(user.principal ?? providedId(user), 'human', user.user);
    case 'WebIdentityUser':
      return named(user.principal ?? providedId(user), webIdentityKind(user), user.user);
    default:
      return otherwise(user);
  }
}

/** AWSAccount, Unknown, and types that are not known yet: the most telling name there is. */
function otherwise(user: UserIdentity): Named | undefined {
  if (user.arn !== undefined) return named(user.arn, 'unknown', user.user);
  if (user.principal !== undefined && user.principal !== user.account) {
    const [unique] = user.principal.split(':');
    return named(user.account === undefined ? unique : `${user.account}/${unique ?? ''}`, 'unknown', user.user);
  }
  if (user.user !== undefined)
    return named(user.account === undefined ? user.user : `${user.account}/${user.user}`, 'unknown', user.user);
  return user.invoked_by === undefined ? named(user.account, 'unknown', undefined) : undefined;
}

function named(id: string | undefined, kind: IdentityKind, name: string | undefined): Named | undefined {
  return id === undefined ? undefined : { identity: { id, kind, name }, session: name, person: undefined };
}

/** Failed sign-ins name the user without an ARN. */
function userArn(user: UserIdentity, record: JsonObject): string | undefined {
  if (user.account === undefined || user.user === undefined) return undefined;
  return `arn:${partitionOf(record)}:iam::${user.account}:user/${user.user}`;
}

function rootArn(user: UserIdentity): string | undefined {
  return user.account === undefined ? undefined : `arn:aws:iam::${user.account}:root`;
}

function partitionOf({ awsRegion }: JsonObject): string {
  if (typeof awsRegion !== 'string') return 'aws';
  if (awsRegion.startsWith('cn-')) return 'aws-cn';
  return awsRegion.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

function iamUserKind(user: UserIdentity, record: JsonObject): IdentityKind {
  const { eventType, sessionCredentialFromConsole } = record;
  const signs_in = eventType === 'AwsConsoleSignIn' || eventType === 'AwsConsoleAction';
  if (signs_in || user.mfa || flagOf(sessionCredentialFromConsole) === true) return 'human';
  return user.credential !== undefined && credentialKind(user.credential) === 'long_term' ? 'api_key' : 'unknown';
}

const providedId = (user: UserIdentity): string | undefined =>
  user.user === undefined ? undefined : `${user.provider ?? ''}:${user.user}`;

/** Tokens of Kubernetes name the service account; others may be of a person or a pipeline. */
function webIdentityKind(user: UserIdentity): IdentityKind {
  return user.user?.startsWith('system:serviceaccount:') === true ? 'workload' : 'unknown';
}

/** Services act in their own name, and write service events in which nobody else is named. */
function serviceOf(user: UserIdentity, record: JsonObject): string | undefined {
  if (user.invoked_by !== undefined) return user.invoked_by;
  const address = textOf(record.sourceIPAddress);
  if (address?.endsWith('.amazonaws.com') === true) return address;
  const own = user.type === 'AWSService' || record.eventType === 'AwsServiceEvent';
  return own ? textOf(record.eventSource) : undefined;
}

/** The ARN's account, for comparing with that of a resource. */
export function accountOf(user: UserIdentity): string | undefined {
  return user.account ?? (user.arn === undefined ? undefined : parseArn(user.arn)?.account);
}
