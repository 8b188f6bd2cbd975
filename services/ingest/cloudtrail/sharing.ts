import type { Operation } from '../../../schemas/event.ts';
import { isObject, type JsonObject } from '../decode.ts';
import { parseJson } from './forms.ts';
import { parseArn } from './principal.ts';

/**
 * Calls that change who may reach something. With another account or everybody among those whom they let in, they hand out
 * the thing itself (`export`) or the power to act (`delegate`); else they only change a setting.
 */
const GRANTING: ReadonlyMap<string, Operation> = new Map([
  ...'ModifySnapshotAttribute ModifyImageAttribute ModifyFpgaImageAttribute ModifyDBSnapshotAttribute ModifyDBClusterSnapshotAttribute AuthorizeSnapshotAccess AuthorizeDataShare CreateResourceShare AssociateResourceShare ShareDirectory PutBucketPolicy PutBucketAcl PutObjectAcl PutAccessPointPolicy PutResourcePolicy PutKeyPolicy SetRepositoryPolicy PutRegistryPolicy PutFileSystemPolicy SetQueueAttributes SetTopicAttributes SetVaultAccessPolicy AddLayerVersionPermission ModifyVpcEndpointServicePermissions ModifyDocumentPermission'
    .split(' ')
    .map((name): [string, Operation] => [name, 'export']),
  ...'CreateRole UpdateAssumeRolePolicy AddPermission'
    .split(' ')
    .map((name): [string, Operation] => [name, 'delegate']),
]);

/** Names under which a call says whom it lets in, in lower case. */
const GRANTEES: ReadonlySet<string> = new Set([
  'userid',
  'group',
  'principal',
  'principals',
  'aws',
  'valuestoadd',
  'uri',
  'accountid',
  'accountids',
  'accountidstoadd',
  'accountwithrestoreaccess',
  'consumeridentifier',
  'x-amz-acl',
  'x-amz-grant-read',
  'sharetarget',
  'addallowedprincipals',
]);
/** Policies as JSON in a text. */
const POLICY = /polic|attributevalue/i;
/** What a call takes away from somebody. */
const TAKEN = /^(remove|valuestoremove|accountidstoremove|removeallowedprincipals)$/i;

const NODES_MAX = 1_000;
const DEPTH_MAX = 12;
const GRANTEES_MAX = 4;

export type Sharing = { readonly operation: Operation; readonly grantees: readonly string[] };

/** Whom the call lets in from outside `account`: account numbers, or `everyone`. Undefined when it is no such call or nobody. */
export function sharingOf(name: string, parameters: unknown, account: string | undefined): Sharing | undefined {
  const operation = GRANTING.get(name.replace(/\d{8}(v\d)?$/, ''));
  if (operation === undefined) return undefined;
  const grantees = new Set<string>();
  visit(parameters, { account, grantees, left: NODES_MAX }, false, 0);
  return grantees.size === 0 ? undefined : { operation, grantees: [...grantees] };
}

type Search = { readonly account: string | undefined; readonly grantees: Set<string>; left: number };

function visit(value: unknown, search: Search, granting: boolean, depth: number): void {
  if (--search.left < 0 || depth > DEPTH_MAX || search.grantees.size >= GRANTEES_MAX) return;
  if (Array.isArray(value)) {
    for (const element of value) {
      if (search.left <= 0) return;
      visit(element, search, granting, depth + 1);
    }
  } else if (isObject(value)) visitFields(value, search, granting, depth);
  else if (granting && (typeof value === 'string' || typeof value === 'number')) {
    const grantee = outsider(String(value), search.account);
    if (grantee !== undefined) search.grantees.add(grantee);
  }
}

function visitFields(object: JsonObject, search: Search, granting: boolean, depth: number): void {
  if (object.Effect === 'Deny') return;
  for (const name in object) {
    if (search.left <= 0) return;
    const inner = object[name];
    if (TAKEN.test(name)) continue;
    const policy = typeof inner === 'string' && POLICY.test(name) ? parseJson(inner) : undefined;
    const gives = granting || GRANTEES.has(name.toLowerCase());
    visit(policy ?? inner, search, gives, depth + 1);
  }
}

const ACCOUNT = /^\d{12}$/;
/** Groups of S3's access control lists, its canned lists, and the words of other services for everybody. */
const EVERYONE = /^(\*|all|public-read.*|authenticated-read|.*\/(AllUsers|AuthenticatedUsers))$/;

function outsider(grantee: string, account: string | undefined): string | undefined {
  if (grantee.length > 256) return undefined;
  if (EVERYONE.test(grantee)) return 'everyone';
  const named = ACCOUNT.test(grantee) ? grantee : parseArn(grantee)?.account;
  return named === undefined || !ACCOUNT.test(named) || named === account ? undefined : named;
}
