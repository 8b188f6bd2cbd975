import { compileRows, type TypedRow } from '../typed-rows.ts';

const NOT_KEPT = 'what the call was about, not kept';

/**
 * The fields of a record (AWS CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity element",
 * event version 1.11) that are read. What else a record holds is kept in `unmapped`.
 */
const ROWS: readonly TypedRow[] = [
  { from: 'eventID', type: 'text', to: 'id' },
  { from: 'requestID', type: 'text', to: 'id where there is no eventID; else unmapped' },
  { from: 'eventTime', type: 'any', to: 'time' },
  { from: '["@timestamp"]', type: 'any', to: 'time where there is no eventTime' },
  { from: 'eventName', type: 'text', to: 'tool.name; action.operation' },
  { from: 'eventSource', type: 'text', to: 'tool.server; resources[].store' },
  { from: 'apiVersion', type: 'text', to: 'tool.version' },
  { from: 'readOnly', type: 'flag', to: 'action.operation where the name does not tell' },
  { from: 'eventType', type: 'text', to: 'identity.kind; Insights are refused; unmapped' },
  { from: 'eventCategory', type: 'text', to: 'Insights are refused; unmapped' },
  { from: 'sessionCredentialFromConsole', type: 'flag', to: 'identity.kind human; unmapped' },
  { from: 'userIdentity', type: 'object', to: 'identity, by its type' },
  { from: 'userIdentity.type', type: 'text', to: 'identity.id, identity.kind, identity.peer_group' },
  { from: 'userIdentity.arn', type: 'text', to: 'identity.id' },
  { from: 'userIdentity.principalId', type: 'text', to: 'identity.id where no ARN tells; session name' },
  { from: 'userIdentity.accountId', type: 'name', to: 'identity.id, identity.peer_group' },
  { from: 'userIdentity.userName', type: 'text', to: 'identity.name; identity.id where no ARN tells' },
  { from: 'userIdentity.identityProvider', type: 'text', to: 'identity.id of WebIdentityUser and SAMLUser' },
  { from: 'userIdentity.accessKeyId', type: 'text', to: 'credential.id, credential.kind; session' },
  { from: 'userIdentity.credentialId', type: 'text', to: 'credential.id of IdentityCenterUser' },
  { from: 'userIdentity.invokedBy', type: 'text', to: 'identity.id of a service, else source.workload' },
  { from: 'userIdentity.onBehalfOf', type: 'object', to: 'the fields in it; the others unmapped' },
  { from: 'userIdentity.onBehalfOf.userId', type: 'text', to: 'on_behalf_of; identity.id of IdentityCenterUser' },
  { from: 'userIdentity.onBehalfOf.identityStoreArn', type: 'text', to: 'stands before onBehalfOf.userId' },
  { from: 'userIdentity.inScopeOf', type: 'object', to: 'the field in it; the others unmapped' },
  { from: 'userIdentity.inScopeOf.credentialsIssuedTo', type: 'text', to: 'source.workload; identity.kind workload' },
  { from: 'userIdentity.sessionContext', type: 'object', to: 'the fields in it; the others unmapped' },
  { from: 'userIdentity.sessionContext.sessionIssuer', type: 'object', to: 'the fields in it; the others unmapped' },
  { from: 'userIdentity.sessionContext.sessionIssuer.arn', type: 'text', to: 'identity.id, identity.peer_group' },
  { from: 'userIdentity.sessionContext.sessionIssuer.type', type: 'text', to: 'identity.peer_group; unmapped' },
  { from: 'userIdentity.sessionContext.sessionIssuer.userName', type: 'text', to: 'identity.name' },
  { from: 'userIdentity.sessionContext.sourceIdentity', type: 'text', to: 'on_behalf_of' },
  { from: 'userIdentity.sessionContext.ec2RoleDelivery', type: 'any', to: 'identity.kind workload; unmapped' },
  { from: 'userIdentity.sessionContext.attributes', type: 'object', to: 'the field in it; the others unmapped' },
  { from: 'userIdentity.sessionContext.attributes.creationDate', type: 'name', to: 'session' },
  {
    from: 'userIdentity.sessionContext.attributes.mfaAuthenticated',
    type: 'flag',
    to: 'identity.kind human of an IAMUser; unmapped',
  },
  { from: 'sourceIPAddress', type: 'text', to: 'source.ip; source.workload when it names a service' },
  { from: 'vpcEndpointId', type: 'text', to: 'source.network' },
  { from: 'recipientAccountId', type: 'name', to: 'identity.id of a service, identity.peer_group; unmapped' },
  { from: 'resources', type: 'list', to: 'resources' },
  { from: 'resources[*].ARN', type: 'any', to: 'resources[].id, resources[].store' },
  { from: 'resources[*].ARNPrefix', type: 'any', to: 'resources[].id, resources[].store' },
  { from: 'resources[*].type', type: 'any', to: 'resources[].kind' },
  { from: 'resources[*].accountId', type: 'any', to: 'export of what is written to another account; unmapped' },
  { from: 'requestParameters', type: 'any', to: `resources where resources names none; model; ${NOT_KEPT}` },
  { from: 'responseElements', type: 'any', to: `outcome.status of sign-ins; ${NOT_KEPT}` },
  { from: 'serviceEventDetails', type: 'any', to: NOT_KEPT },
  { from: 'additionalEventData.bytesTransferredIn', type: 'size', to: 'volume.bytes_in' },
  { from: 'additionalEventData.bytesTransferredOut', type: 'size', to: 'volume.bytes_out' },
  { from: 'errorCode', type: 'text', to: 'outcome.status, outcome.code' },
  { from: 'errorMessage', type: 'text', to: 'outcome.reason' },
];

const compiled = compileRows('cloudtrail', ROWS, 'send the record as CloudTrail wrote it');

/** What is read, row by row as docs/sources/cloudtrail.md has it. */
export const CLOUDTRAIL_FIELDS = compiled.table;
/** What is read and not kept aside. */
export const KNOWN = compiled.known;
export const checkTypes = compiled.check;
