import { isIP } from 'node:net';
import type { Operation, Resource } from '../../../schemas/event.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { isObject, type JsonObject } from '../decode.ts';
import type { Normalised, Normaliser, Part } from '../normaliser.ts';
import { isAbsent } from '../paths.ts';
import type { Refusal } from '../refusal.ts';
import { flagOf, identifierOf, present, sizeOf, textOf } from '../typed-rows.ts';
import { findLeftovers } from '../unmapped.ts';
import { checkTypes, KNOWN } from './fields.ts';
import { type Found, holdsRecords, isDigest, isInsight, isRecord, recordsIn } from './forms.ts';
import { accountOf, readUserIdentity, type UserIdentity, type Who, whoOf } from './identity.ts';
import { operationOfCall } from './operation.ts';
import { outcomeOf } from './outcome.ts';
import { credentialKind } from './principal.ts';
import { resourceAccounts, resourcesOf } from './resources.ts';
import { type Sharing, sharingOf } from './sharing.ts';

/** AWS CloudTrail: a record, a file of them, or what EventBridge, SNS, SQS or CloudWatch Logs put around them. */
export const cloudtrailNormaliser: Normaliser = {
  name: 'cloudtrail',
  format: 'cloudtrail',
  bundle: true,
  mismatch: (document) =>
    holdsRecords(document) || isDigest(document) ? undefined : 'eventSource and eventName are missing',
  normalise(document) {
    const found = recordsIn(document);
    if (found === undefined) return [whyNone(document)];
    if (found.length > LIMITS.bundle_items_max) return [TOO_MANY];
    return found.map(({ place, record }) => inPlace(normaliseRecord(record), { place, record }));
  },
};

function inPlace(normalised: Normalised, { place, record }: Found): Normalised {
  if (place === '' || normalised.kind === 'absorbed') return normalised;
  return { ...normalised, part: partOf(place, record) };
}

/** The bytes are only made for a dead letter. */
function partOf(place: string, record: unknown): Part {
  return {
    place,
    get bytes() {
      return Buffer.from(JSON.stringify(record));
    },
  };
}

function normaliseRecord(record: unknown): Normalised {
  if (!isRecord(record)) return whyNone(record);
  if (isInsight(record)) return INSIGHT;
  const wrong = checkTypes(record);
  if (wrong !== undefined) return wrong;
  const user = readUserIdentity(record);
  const who = whoOf(user, record);
  return 'reason' in who ? who : candidate(record, user, who);
}

function candidate(record: JsonObject, user: UserIdentity, who: Who): Normalised {
  const name = String(record.eventName);
  const parameters = record.requestParameters;
  const sharing = sharingOf(name, parameters, accountOf(user) ?? textOf(record.recipientAccountId));
  const version = textOf(record.apiVersion);
  const session = sessionOf(user, who);
  const on_behalf_of = user.source_identity ?? user.on_behalf_of ?? who.person;
  const model = modelOf(parameters);
  const { kind, name: identity_name } = who.identity;
  const peer_group = who.identity.peer_group === undefined ? undefined : identifierOf(who.identity.peer_group);
  return {
    kind: 'candidate',
    input: {
      id: textOf(record.eventID) ?? textOf(record.requestID),
      time: timeOf(record),
      identity: { id: identifierOf(who.identity.id), kind, ...present({ name: identity_name, peer_group }) },
      action: { operation: operationOf(record, user, sharing) },
      tool: { name, server: textOf(record.eventSource), ...present({ version }) },
      resources: [...resourcesOf(record, serviceName(record)), ...granteesOf(sharing)],
      volume: volumeOf(record),
      outcome: outcomeOf(record),
      source: sourceOf(record, user),
      ...present({ session, on_behalf_of, model }),
      ...credentialOf(user),
    },
    origin: undefined,
    leftovers: findLeftovers(record, KNOWN),
    tool_arguments: parameters,
    explain,
  };
}

/**
 * All credentials of one sign-in or one assumed role share the time at which it began; several of one role may begin in one
 * second, so the name of the session is part of it. Long-term keys have no session.
 */
function sessionOf(user: UserIdentity, who: Who): string | undefined {
  if (user.created === undefined) {
    return user.credential !== undefined && credentialKind(user.credential) === 'temporary'
      ? user.credential
      : undefined;
  }
  return identifierOf(who.session === undefined ? user.created : `${who.session}@${user.created}`);
}

function credentialOf(user: UserIdentity): { credential?: { id: string; kind?: string } } {
  if (user.credential === undefined) return {};
  const kind =
    credentialKind(user.credential) ??
    (user.type === 'IdentityCenterUser' ? 'identity_center' : user.created === undefined ? undefined : 'temporary');
  return { credential: { id: user.credential, ...present({ kind }) } };
}

/** Data that goes where another account owns it leaves, whatever the call is named. */
const WRITES = /^(PutObject|CopyObject|UploadPart|UploadPartCopy|CreateMultipartUpload|CompleteMultipartUpload)$/;

function operationOf(record: JsonObject, user: UserIdentity, sharing: Sharing | undefined): Operation {
  if (sharing !== undefined) return sharing.operation;
  const name = String(record.eventName);
  const own = accountOf(user);
  if (own !== undefined && WRITES.test(name)) {
    if (resourceAccounts(record.resources).some((account) => account !== own)) return 'export';
  }
  return operationOfCall(name, flagOf(record.readOnly));
}

function granteesOf(sharing: Sharing | undefined): Resource[] {
  return (sharing?.grantees ?? []).map((id) => ({ id, store: 'aws', kind: 'AWS::Account' }));
}

const serviceName = ({ eventSource }: JsonObject): string => String(eventSource).split('.', 1)[0] as string;

function modelOf(parameters: unknown): string | undefined {
  return isObject(parameters) ? textOf(parameters.modelId) : undefined;
}

function volumeOf({ additionalEventData }: JsonObject): { bytes_in?: number; bytes_out?: number } {
  if (!isObject(additionalEventData)) return {};
  const bytes_in = sizeOf(additionalEventData.bytesTransferredIn);
  const bytes_out = sizeOf(additionalEventData.bytesTransferredOut);
  return { ...(bytes_in === undefined ? {} : { bytes_in }), ...(bytes_out === undefined ? {} : { bytes_out }) };
}

/** Also what has the form of an address only: copies for research have addresses that cannot be. */
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}$/;

function sourceOf(record: JsonObject, user: UserIdentity): { ip?: string; network?: string; workload?: string } {
  const address = textOf(record.sourceIPAddress);
  const is_ip = address !== undefined && (isIP(address) !== 0 || ADDRESS.test(address));
  return present({
    ip: is_ip ? address : undefined,
    network: textOf(record.vpcEndpointId),
    workload: user.issued_to ?? user.invoked_by ?? (is_ip ? undefined : address),
  });
}

/** CloudTrail Lake and Athena give `2026-01-05 10:00:00.000`, which is UTC as well. */
const WITHOUT_OFFSET = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)$/;

function timeOf(record: JsonObject): unknown {
  const time = isAbsent(record.eventTime) ? record['@timestamp'] : record.eventTime;
  return typeof time === 'string' && time.length <= 40 ? time.replace(WITHOUT_OFFSET, '$1T$2Z') : time;
}

const INSIGHT: Refusal = {
  kind: 'refused',
  reason: 'format_unknown',
  field: 'eventType',
  message:
    'eventType: a CloudTrail Insights event is a finding about many calls, not a call; send management and data events, and Insights to your SIEM',
};

const TOO_MANY: Refusal = {
  kind: 'refused',
  reason: 'too_many_items',
  message: `the document holds more than ${LIMITS.bundle_items_max} records; send fewer in one`,
};

function whyNone(document: unknown): Refusal {
  const refuse = (what: string): Refusal => ({
    kind: 'refused',
    reason: 'format_unknown',
    message: `cloudtrail: ${what}`,
  });
  if (!isObject(document)) return refuse('this is no object; send records as CloudTrail wrote them');
  if (isDigest(document)) return refuse('a digest file holds no records; send the log files that it names');
  if (document.s3Bucket !== undefined && document.s3ObjectKey !== undefined)
    return refuse('a notification that a file was delivered holds no records; send the file');
  if (Array.isArray(document.Records) && document.Records.length === 0)
    return {
      kind: 'refused',
      reason: 'empty_record',
      message: 'cloudtrail: the file holds no records; nothing is lost',
    };
  return refuse('eventSource and eventName are missing; send records as CloudTrail wrote them');
}

/** Source of each canonical field, for the words of a refusal. */
const SOURCES: readonly (readonly [field: string, source: string])[] = [
  ['id', 'eventID'],
  ['time', 'eventTime'],
  ['identity.id', 'userIdentity'],
  ['identity.peer_group', 'userIdentity'],
  ['session', 'userIdentity.sessionContext'],
  ['tool.name', 'eventName'],
  ['tool.server', 'eventSource'],
  ['volume.bytes_in', 'additionalEventData.bytesTransferredIn'],
  ['volume.bytes_out', 'additionalEventData.bytesTransferredOut'],
];

function explain(refusal: Refusal): Refusal {
  const source = SOURCES.find(([field]) => field === refusal.field)?.[1];
  if (source === undefined) return refusal;
  return { ...refusal, message: `${refusal.message} (cloudtrail: taken from ${source})` };
}
