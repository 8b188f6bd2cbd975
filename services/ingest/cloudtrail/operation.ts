import type { Operation } from '../../../schemas/event.ts';

/**
 * What a call of AWS does, judged by the first verb in its name. Listed in docs/sources/cloudtrail.md. `store` is what
 * makes, changes or adds something, `execute` what starts, stops, takes away or acts.
 */
export const CALL_VERBS = {
  read: 'Get List Describe Head Read View Download Check Test Validate Verify Preview Estimate Simulate Receive Poll Decrypt',
  search: 'Search Query Select Scan Filter Lookup Find Retrieve',
  summarize: 'Analyze Classify Summarize Translate Transcribe',
  recommend: 'Recommend Suggest',
  delegate: 'Assume Pass Delegate',
  store:
    'Put Create Update Modify Add Attach Associate Set Tag Untag Upload Copy Register Import Write Insert Restore Replace Change Enable Configure Allocate Authorize Revoke Subscribe Complete Apply Save Publish Move Rename',
  export: 'Export Share',
  execute:
    'Delete Remove Terminate Stop Start Run Reboot Invoke Converse Execute Send Detach Disassociate Deregister Disable Release Cancel Reset Leave Accept Reject Abort Purge Unsubscribe Console Login Switch Exit Connect Join Signal Resume Suspend Rotate',
} as const satisfies { readonly [O in Operation]?: string };

/**
 * Calls whose verb does not say what they do. To hand out a credential is to delegate, whether it lives for an hour (a
 * token) or until somebody deletes it (an access key, a password): whoever holds it acts as its owner.
 */
export const CALLS = {
  search: 'StartQuery StartQueryExecution StartSearchJob',
  delegate:
    'GetFederationToken GetSessionToken GetRoleCredentials GetSigninToken GetCredentialsForIdentity GetOpenIdToken GetOpenIdTokenForDeveloperIdentity GetWebIdentityToken CreateToken CreateAccessKey CreateLoginProfile UpdateLoginProfile CreateServiceSpecificCredential ResetServiceSpecificCredential CreateGrant GetClusterCredentials GetClusterCredentialsWithIAM GetAuthorizationToken',
  export:
    'CreateExportTask StartExportTask CreateInstanceExportTask CreateStoreImageTask PutBucketReplication Publish PublishBatch SendMessage SendMessageBatch SendEmail SendRawEmail SendBulkEmail SendTemplatedEmail SendBulkTemplatedEmail SendTextMessage SendVoiceMessage SendMessages SendUsersMessages',
} as const satisfies { readonly [O in Operation]?: string };

/** Words that stand before the verb: BatchGetSecretValue, AdminCreateUser, TransactWriteItems. */
const PREFIXES: ReadonlySet<string> = new Set(['Batch', 'Bulk', 'Admin', 'Transact', 'Internal']);

const tableOf = (table: { readonly [O in Operation]?: string }): ReadonlyMap<string, Operation> =>
  new Map(
    Object.entries(table).flatMap(([operation, names]) =>
      names.split(' ').map((name): [string, Operation] => [name, operation as Operation]),
    ),
  );
const operationOfVerb = tableOf(CALL_VERBS);
const operationOfName = tableOf(CALLS);

const WORD = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g;
/** Longer names are not looked at in full: a verb stands near the beginning. */
const NAME_CHARS_MAX = 128;

/** `read_only` as the record has it, which says nothing when it is undefined. */
export function operationOfCall(event_name: string, read_only: boolean | undefined): Operation {
  const name = event_name.slice(0, NAME_CHARS_MAX);
  const known = operationOfName.get(name) ?? operationOfVerb.get(verbOf(name));
  if (known !== undefined) return known;
  return read_only === undefined ? 'unknown' : read_only ? 'read' : 'execute';
}

function verbOf(name: string): string {
  const [first, second] = name.match(WORD) ?? [];
  return (first !== undefined && PREFIXES.has(first) ? second : first) ?? '';
}
