/** Names of who acts on AWS (IAM User Guide, "IAM identifiers"). Also for other formats that carry them. */

/** `arn:partition:service:region:account:resource`; the resource may hold colons. */
export type Arn = {
  readonly partition: string;
  readonly service: string;
  readonly account: string;
  readonly resource: string;
};

const ARN = /^arn:([^:]*):([^:]*):[^:]*:([^:]*):(.+)$/s;
/** Longer ones are none: the longest that AWS documents have 2,048 characters. */
const ARN_CHARS_MAX = 2048;

export function parseArn(text: string): Arn | undefined {
  if (text.length > ARN_CHARS_MAX) return undefined;
  const [, partition, service, account, resource] = ARN.exec(text) ?? [];
  if (partition === undefined || service === undefined || account === undefined || resource === undefined)
    return undefined;
  return { partition, service, account, resource };
}

/**
 * What an ARN names, and where that lives: an object of S3 by its key in its bucket, all else as it is, at its service.
 * Undefined when the text is no ARN.
 */
export function resourceOfArn(text: string): { readonly id: string; readonly store: string } | undefined {
  const arn = parseArn(text);
  if (arn === undefined || arn.service === '') return undefined;
  const { service, account, resource } = arn;
  if (service !== 's3' || account !== '') return { id: text, store: service };
  const slash = resource.indexOf('/');
  const bucket = slash === -1 ? resource : resource.slice(0, slash);
  if (bucket === '') return { id: text, store: service };
  const key = slash === -1 ? '' : resource.slice(slash + 1);
  return key === '' ? { id: bucket, store: service } : { id: key, store: bucket };
}

/** A role and the name of the session in which it is used, which whoever assumes the role has chosen. */
export type RoleSession = {
  readonly partition: string;
  readonly account: string;
  /** `arn:aws:iam::account:role/path/name` */
  readonly role_arn: string;
  readonly role: string;
  readonly session: string | undefined;
};

/**
 * From the ARN of the role (`issuer`) and that of the assumed role (`arn:aws:sts::account:assumed-role/Role/session`), of
 * which one is enough. Without the issuer the path of the role is not known.
 */
export function roleSessionOf(arn: string | undefined, issuer: string | undefined): RoleSession | undefined {
  const assumed = arn === undefined ? undefined : parseArn(arn);
  const [word, assumed_role, ...rest] = assumed?.resource.split('/') ?? [];
  const session = word === 'assumed-role' && rest.length > 0 ? rest.join('/') : undefined;
  const role = issuer === undefined ? undefined : parseArn(issuer);
  if (issuer !== undefined && role?.resource.startsWith('role/') === true) {
    const { partition, account, resource } = role;
    return { partition, account, role_arn: issuer, role: resource.slice(resource.lastIndexOf('/') + 1), session };
  }
  if (assumed === undefined || word !== 'assumed-role' || assumed_role === undefined || assumed_role === '')
    return undefined;
  const { partition, account } = assumed;
  const role_arn = `arn:${partition}:iam::${account}:role/${assumed_role}`;
  return { partition, account, role_arn, role: assumed_role, session };
}

/** EC2 names the session of an instance's role by the instance, Systems Manager that of a managed node likewise. */
const INSTANCE = /^m?i-[0-9a-f]{8,17}$/i;
/** Identity providers name a person's session by the person, most of them by the mail address. */
const PERSON = /^[^\s@/]{1,64}@[^\s@/]{1,190}$/;
/** Roles that IAM Identity Center makes for its permission sets; it names the sessions itself. */
const IDENTITY_CENTER_ROLE = /^AWSReservedSSO_/;

/**
 * Whom a session's name stands for. Anybody who assumes a role may choose the name anew each time, so it makes an identity
 * of its own only where AWS or an identity provider sets it.
 */
export function memberOf({ role, session }: RoleSession): 'instance' | 'person' | undefined {
  if (session === undefined) return undefined;
  if (INSTANCE.test(session)) return 'instance';
  return PERSON.test(session) || IDENTITY_CENTER_ROLE.test(role) ? 'person' : undefined;
}

/** The ARN of one member of a role, always of one form. */
export function memberArn({ partition, account, role, session }: RoleSession): string {
  return `arn:${partition}:sts::${account}:assumed-role/${role}/${session ?? ''}`;
}

/** Service-linked and service roles that only AWS itself assumes. */
export const isServiceRole = ({ role_arn }: RoleSession): boolean => role_arn.includes(':role/aws-service-role/');

/** Access keys say by their prefix what they are (IAM User Guide, "Unique identifiers"). */
export function credentialKind(id: string): 'temporary' | 'long_term' | undefined {
  if (id.startsWith('ASIA')) return 'temporary';
  return id.startsWith('AKIA') ? 'long_term' : undefined;
}
