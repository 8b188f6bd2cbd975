import type { CanonicalEvent } from '../../schemas/event.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { accepted, refused } from './support.ts';

const formats = normalisersOf('cloudtrail', []);

export const ACCOUNT = '111122223333';
export const OTHER_ACCOUNT = '444455556666';

export const USER = {
  type: 'IAMUser',
  principalId: 'AIDAEXAMPLEEXAMPLE01',
  arn: `arn:aws:iam::${ACCOUNT}:user/ann`,
  accountId: ACCOUNT,
  accessKeyId: 'AKIAEXAMPLEEXAMPLE01',
  userName: 'ann',
};

export function assumedRole(
  session: string,
  more: Record<string, unknown> = {},
  role = 'service-role/reports',
): Record<string, unknown> {
  const name = role.slice(role.lastIndexOf('/') + 1);
  return {
    type: 'AssumedRole',
    principalId: `AROAEXAMPLEEXAMPLE01:${session}`,
    arn: `arn:aws:sts::${ACCOUNT}:assumed-role/${name}/${session}`,
    accountId: ACCOUNT,
    accessKeyId: 'ASIAEXAMPLEEXAMPLE01',
    sessionContext: {
      sessionIssuer: {
        type: 'Role',
        principalId: 'AROAEXAMPLEEXAMPLE01',
        arn: `arn:aws:iam::${ACCOUNT}:role/${role}`,
        accountId: ACCOUNT,
        userName: name,
      },
      attributes: { creationDate: '2025-03-03T08:00:00Z', mfaAuthenticated: 'false' },
      ...more,
    },
  };
}

/** A record as CloudTrail writes it, event version 1.11, of a call that ann made. */
export function record(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    eventVersion: '1.11',
    userIdentity: USER,
    eventTime: '2025-03-03T09:00:00Z',
    eventSource: 'ec2.amazonaws.com',
    eventName: 'DescribeInstances',
    awsRegion: 'eu-central-1',
    sourceIPAddress: '203.0.113.7',
    userAgent: 'aws-cli/2.15.0',
    requestParameters: null,
    responseElements: null,
    requestID: '7d0f4c7c-8a65-4b8c-9c1c-4c1c2a9b0001',
    eventID: 'e1a7c9f4-8a65-4b8c-9c1c-4c1c2a9b0001',
    readOnly: true,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: ACCOUNT,
    eventCategory: 'Management',
    tlsDetails: { tlsVersion: 'TLSv1.3', cipherSuite: 'TLS_AES_128_GCM_SHA256' },
    ...more,
  };
}

export const acceptedRecord = (document: unknown): CanonicalEvent => accepted(document, { formats });
export const refusedRecord = (document: unknown): ReturnType<typeof refused> => refused(document, { formats });

export const acceptedFrom = (userIdentity: unknown, more: Record<string, unknown> = {}): CanonicalEvent =>
  acceptedRecord(record({ userIdentity, ...more }));

export const acceptedCall = (
  eventName: string,
  requestParameters: unknown = null,
  more: Record<string, unknown> = {},
): CanonicalEvent => acceptedRecord(record({ eventName, requestParameters, readOnly: undefined, ...more }));
