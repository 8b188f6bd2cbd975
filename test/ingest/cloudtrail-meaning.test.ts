import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Operation } from '../../schemas/event.ts';
import { ACCOUNT, acceptedCall, acceptedRecord, OTHER_ACCOUNT, record } from './cloudtrail-support.ts';

const operation = (name: string, parameters: unknown = null, more: Record<string, unknown> = {}): Operation =>
  acceptedCall(name, parameters, more).action.operation;

describe('what was done', () => {
  test('by the verb, behind words that stand before it', () => {
    const expected: Record<string, Operation> = {
      GetObject: 'read',
      ListBuckets: 'read',
      BatchGetSecretValue: 'read',
      LookupEvents: 'search',
      StartQuery: 'search',
      Retrieve: 'search',
      PutObject: 'store',
      AdminCreateUser: 'store',
      BatchSuspendUser: 'execute',
      TransactAuthorizeItems: 'store',
      UpdateFunctionCode20150331v2: 'store',
      CreateDistribution2020_05_31: 'store',
      AttachUserPolicy: 'store',
      AuthorizeSecurityGroupIngress: 'store',
      InvokeModel: 'execute',
      SendCommand: 'execute',
      RunInstances: 'execute',
      DeleteTrail: 'execute',
      StopLogging: 'execute',
      ConsoleLogin: 'execute',
      SSMThing: 'unknown',
      SendEmail: 'export',
      Publish: 'export',
      PublishVersion: 'store',
      AssumeRoleWithWebIdentity: 'delegate',
      GetFederationToken: 'delegate',
      CreateAccessKey: 'delegate',
      CreateLoginProfile: 'delegate',
    };
    for (const [name, wanted] of Object.entries(expected)) assert.equal(operation(name), wanted, name);
  });

  test('readOnly decides where the verb does not', () => {
    assert.equal(operation('GenerateDataKey', null, { readOnly: true }), 'read');
    assert.equal(operation('GenerateDataKey', null, { readOnly: 'false' }), 'execute');
    assert.equal(operation('InvokeModel', null, { readOnly: true }), 'execute');
  });

  test('sharing with another account or everybody leaves the account; other changes of access do not', () => {
    const add = (item: unknown) => ({ imageId: 'ami-1', launchPermission: { add: { items: [item] } } });
    const shared = acceptedCall('ModifyImageAttribute', add({ userId: OTHER_ACCOUNT }));
    assert.equal(shared.action.operation, 'export');
    assert.deepEqual(
      shared.resources.map(({ id }) => id),
      ['ami-1', OTHER_ACCOUNT],
    );
    assert.equal(operation('ModifyImageAttribute', add({ group: 'all' })), 'export');
    assert.equal(operation('ModifyImageAttribute', add({ userId: ACCOUNT })), 'store');
    const removed = { imageId: 'ami-1', launchPermission: { remove: { items: [{ userId: OTHER_ACCOUNT }] } } };
    assert.equal(operation('ModifyImageAttribute', removed), 'store');
    const snapshot = { dBSnapshotIdentifier: 's', attributeName: 'restore', valuesToAdd: [OTHER_ACCOUNT] };
    assert.equal(operation('ModifyDBSnapshotAttribute', snapshot), 'export');
    assert.equal(operation('PutBucketAcl', { bucketName: 'b', 'x-amz-acl': 'public-read' }), 'export');
    assert.equal(operation('PutBucketAcl', { bucketName: 'b', 'x-amz-acl': 'private' }), 'store');
  });

  test('policies, as objects and as text: whom they let in, and whom they deny', () => {
    const policy = (Principal: unknown, Effect = 'Allow') => ({ Statement: [{ Effect, Principal, Action: '*' }] });
    const bucket = (bucketPolicy: unknown) => operation('PutBucketPolicy', { bucketName: 'b', bucketPolicy });
    assert.equal(bucket(policy('*')), 'export');
    assert.equal(bucket(policy({ AWS: `arn:aws:iam::${OTHER_ACCOUNT}:role/x` })), 'export');
    assert.equal(bucket(policy({ AWS: [`arn:aws:iam::${ACCOUNT}:root`] })), 'store');
    assert.equal(bucket(policy({ Service: 'cloudtrail.amazonaws.com' })), 'store');
    assert.equal(bucket(policy('*', 'Deny')), 'store');
    const trust = JSON.stringify(policy({ AWS: `arn:aws:iam::${OTHER_ACCOUNT}:root` }));
    assert.equal(operation('UpdateAssumeRolePolicy', { roleName: 'r', policyDocument: trust }), 'delegate');
    const own = JSON.stringify(policy({ Service: 'ec2.amazonaws.com' }));
    assert.equal(operation('CreateRole', { roleName: 'r', assumeRolePolicyDocument: own }), 'store');
    assert.equal(operation('AddPermission20150331v2', { functionName: 'f', principal: '*' }), 'delegate');
    assert.equal(operation('AddPermission20150331v2', { functionName: 'f', principal: 's3.amazonaws.com' }), 'store');
  });

  test('an object written into a bucket of another account leaves', () => {
    const into = (accountId: string) => ({
      eventSource: 's3.amazonaws.com',
      resources: [
        { type: 'AWS::S3::Object', ARN: 'arn:aws:s3:::drop/x' },
        { type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::drop', accountId },
      ],
    });
    assert.equal(operation('PutObject', null, into(OTHER_ACCOUNT)), 'export');
    assert.equal(operation('PutObject', null, into(ACCOUNT)), 'store');
    assert.equal(operation('GetObject', null, into(OTHER_ACCOUNT)), 'read');
  });
});

describe('what was touched', () => {
  const resources = (name: string, parameters: unknown, more: Record<string, unknown> = {}) =>
    acceptedCall(name, parameters, more).resources;

  test('resources, without the bucket that an object lies in; parameters say nothing then', () => {
    const event = acceptedCall(
      'GetObject',
      { bucketName: 'data', key: 'a/b.csv', instanceId: 'i-1' },
      {
        eventSource: 's3.amazonaws.com',
        resources: [
          { type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::data', accountId: ACCOUNT },
          { type: 'AWS::S3::Object', ARN: 'arn:aws:s3:::data/a/b.csv' },
          { type: 'AWS::S3::Object', ARNPrefix: 'arn:aws:s3:::data/a/' },
        ],
      },
    );
    assert.deepEqual(event.resources, [
      { id: 'a/b.csv', store: 'data', kind: 'AWS::S3::Object' },
      { id: 'a/*', store: 'data', kind: 'AWS::S3::Object' },
    ]);
    const bucket = [{ type: 'AWS::S3::Bucket', ARN: 'arn:aws:s3:::data', accountId: ACCOUNT }];
    assert.deepEqual(resources('GetBucketPolicy', { bucketName: 'other' }, { resources: bucket }), [
      { id: 'data', store: 's3', kind: 'AWS::S3::Bucket' },
    ]);
  });

  test('S3 without resources has the same names', () => {
    const s3 = { eventSource: 's3.amazonaws.com' };
    const [object] = resources('GetObject', { bucketName: 'data', key: 'a/b.csv' }, s3);
    assert.deepEqual(object, { id: 'a/b.csv', store: 'data', kind: 'AWS::S3::Object' });
    assert.equal(resources('PutBucketPolicy', { bucketName: 'data' }, s3)[0]?.id, 'data');
    assert.equal(resources('ListObjects', { bucketName: 'data', prefix: 'a/' }, s3)[0]?.id, 'a/*');
  });

  test('names of resources in the parameters, however a service wraps them', () => {
    const ids = (parameters: unknown, more: Record<string, unknown> = {}) =>
      resources('DoSomething', parameters, more).map(({ id }) => id);
    assert.deepEqual(ids({ instancesSet: { items: [{ instanceId: 'i-1' }, { instanceId: 'i-2' }] } }), ['i-1', 'i-2']);
    assert.deepEqual(ids({ instanceIds: ['i-1'], documentName: 'AWS-RunShellScript' }), ['i-1']);
    assert.deepEqual(ids({ documentName: 'AWS-RunShellScript', keyId: 'k' }), ['k', 'AWS-RunShellScript']);
    assert.deepEqual(ids({ DeleteFlowLogsRequest: { FlowLogId: { content: 'fl-1', tag: 1 } } }), ['fl-1']);
    assert.deepEqual(ids({ policyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess', userName: 'bob' }), [
      'bob',
      'arn:aws:iam::aws:policy/ReadOnlyAccess',
    ]);
    assert.deepEqual(ids({ name: 'main' }, { eventSource: 'cloudtrail.amazonaws.com' }), ['main']);
    assert.deepEqual(ids({ name: 'main' }), []);
    assert.deepEqual(ids({ filterSet: { items: [{ name: 'x', valueSet: { instanceId: 'i-1' } }] } }), []);
    assert.deepEqual(ids({ instanceId: 5, userName: '' }), []);
  });

  test('the model of a call of Bedrock, and the store of an ARN', () => {
    const model = { modelId: 'anthropic.claude-3-sonnet-20240229-v1:0' };
    const event = acceptedCall('InvokeModel', model, { eventSource: 'bedrock.amazonaws.com' });
    assert.equal(event.model, model.modelId);
    assert.equal(event.resources[0]?.store, 'bedrock');
    const secret = `arn:aws:secretsmanager:eu-central-1:${ACCOUNT}:secret:db-AbCdEf`;
    assert.deepEqual(resources('GetSecretValue', { secretId: secret }), [
      { id: secret, store: 'secretsmanager', kind: 'AWS::SecretsManager::Secret' },
    ]);
  });

  test('ARNs of S3 that name no object stay what they are', () => {
    const point = `arn:aws:s3:eu-central-1:${ACCOUNT}:accesspoint/reports/object/x`;
    const ARNs = ['arn:aws:s3:::/x', 'arn:aws:s3:::data/', point, 'no ARN'];
    assert.deepEqual(
      resources('DoSomething', null, { resources: ARNs.map((ARN) => ({ ARN })) }).map(({ id, store }) => [id, store]),
      [
        ['arn:aws:s3:::/x', 's3'],
        ['data', 's3'],
        [point, 's3'],
        ['no ARN', 'ec2'],
      ],
    );
  });

  test('more than an event may hold are cut and flagged', () => {
    const names = Array.from({ length: 40 }, (_, index) => `/p/${index}`);
    const event = acceptedCall('GetParameters', { names }, { eventSource: 'ssm.amazonaws.com' });
    assert.equal(event.resources.length, 16);
    assert.deepEqual(event.flags, ['resources_cut']);
  });
});

describe('how it ended and how much it moved', () => {
  const outcome = (more: Record<string, unknown>) => acceptedRecord(record(more)).outcome;

  test('refusals are denied, other errors are errors, silence is success', () => {
    for (const errorCode of [
      'AccessDenied',
      'AccessDeniedException',
      'Client.UnauthorizedOperation',
      'UnauthorizedOperation',
      'AuthorizationErrorException',
      'KMS.AccessDeniedException',
      'VpceAccessDenied',
      'ExpiredTokenException',
      'InvalidClientTokenId',
      'SignatureDoesNotMatch',
    ])
      assert.deepEqual(outcome({ errorCode, errorMessage: 'no' }), { status: 'denied', code: errorCode, reason: 'no' });
    for (const errorCode of ['NoSuchBucket', 'ThrottlingException', 'Client.InvalidParameterValue', 'Server.Internal'])
      assert.equal(outcome({ errorCode }).status, 'error', errorCode);
    assert.deepEqual(outcome({}), { status: 'ok' });
    assert.equal(outcome({ errorMessage: 'something' }).status, 'error');
  });

  test('sign-ins answer in responseElements', () => {
    const login = (answer: string, errorMessage?: string) =>
      outcome({
        eventName: 'ConsoleLogin',
        eventType: 'AwsConsoleSignIn',
        responseElements: { ConsoleLogin: answer },
        errorMessage,
      });
    assert.deepEqual(login('Success'), { status: 'ok', code: 'Success' });
    assert.deepEqual(login('Failure', 'Failed authentication'), {
      status: 'denied',
      code: 'Failure',
      reason: 'Failed authentication',
    });
    assert.equal(outcome({ eventName: 'SwitchRole', responseElements: { SwitchRole: 'Failure' } }).status, 'denied');
    assert.equal(outcome({ responseElements: { ConsoleLogin: 'Failure' } }).status, 'ok');
  });

  test('bytes of data events; unknown ones stay unknown', () => {
    const volume = (additionalEventData: unknown) => acceptedRecord(record({ additionalEventData })).volume;
    assert.deepEqual(volume({ bytesTransferredIn: 0, bytesTransferredOut: 89.0 }), { bytes_in: 0, bytes_out: 89 });
    assert.deepEqual(volume({ bytesTransferredOut: '89' }), { bytes_out: 89 });
    assert.deepEqual(volume(undefined), {});
    assert.deepEqual(volume({ x: 1 }), {});
  });

  test('where it came from, and what is kept aside: nothing of parameters and answers', () => {
    const event = acceptedRecord(
      record({
        vpcEndpointId: 'vpce-1',
        requestParameters: { userData: 'secret text', instanceId: 'i-1' },
        responseElements: { credentials: { sessionToken: 'secret text' } },
        serviceEventDetails: { x: 'secret text' },
      }),
    );
    assert.deepEqual(event.source, { ip: '203.0.113.7', network: 'vpce-1' });
    assert.ok(!JSON.stringify(event).includes('secret text'));
    assert.equal(event.unmapped?.awsRegion, 'eu-central-1');
    assert.equal(event.unmapped?.userAgent, 'aws-cli/2.15.0');
    assert.equal(event.unmapped?.recipientAccountId, ACCOUNT);
    assert.equal(event.unmapped?.eventName, undefined);
    assert.deepEqual(event.tool, { name: 'DescribeInstances', server: 'ec2.amazonaws.com' });
  });
});
