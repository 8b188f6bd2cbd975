import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ACCOUNT,
  acceptedFrom,
  assumedRole,
  OTHER_ACCOUNT,
  record,
  refusedRecord,
  USER,
} from './cloudtrail-support.ts';

describe('who acted, by the type of userIdentity', () => {
  test('IAMUser: the user, with the key', () => {
    const { identity, credential, session, on_behalf_of } = acceptedFrom(USER);
    assert.deepEqual(identity, {
      id: `arn:aws:iam::${ACCOUNT}:user/ann`,
      kind: 'api_key',
      name: 'ann',
      peer_group: `${ACCOUNT}/IAMUser`,
    });
    assert.deepEqual(credential, { id: 'AKIAEXAMPLEEXAMPLE01', kind: 'long_term' });
    assert.equal(session, undefined);
    assert.equal(on_behalf_of, undefined);
  });

  test('IAMUser at the console: a person, and one session of many temporary keys', () => {
    const attributes = { creationDate: '2025-03-03T08:30:00Z', mfaAuthenticated: 'true' };
    const at = (accessKeyId: string) =>
      acceptedFrom({ ...USER, accessKeyId, sessionContext: { attributes, sessionIssuer: {} } });
    const [one, two] = [at('ASIAEXAMPLEEXAMPLE01'), at('ASIAEXAMPLEEXAMPLE02')];
    assert.equal(one.identity.kind, 'human');
    assert.equal(one.session, 'ann@2025-03-03T08:30:00Z');
    assert.equal(two.session, one.session);
    assert.deepEqual(one.credential, { id: 'ASIAEXAMPLEEXAMPLE01', kind: 'temporary' });
  });

  test('IAMUser of a failed sign-in: the ARN is made from account and name', () => {
    const { arn: _, ...without } = { ...USER, accessKeyId: '' };
    const of = (awsRegion: string) =>
      acceptedFrom(without, { eventType: 'AwsConsoleSignIn', eventName: 'ConsoleLogin', awsRegion });
    assert.equal(of('us-east-1').identity.id, `arn:aws:iam::${ACCOUNT}:user/ann`);
    assert.equal(of('us-east-1').identity.kind, 'human');
    assert.equal(of('us-east-1').credential, undefined);
    assert.equal(of('cn-north-1').identity.id, `arn:aws-cn:iam::${ACCOUNT}:user/ann`);
    assert.equal(of('us-gov-west-1').identity.id, `arn:aws-us-gov:iam::${ACCOUNT}:user/ann`);
  });

  test('AssumedRole: names that the caller chooses make no identity', () => {
    const role = `arn:aws:iam::${ACCOUNT}:role/service-role/reports`;
    for (const session of ['botocore-session-1741000000', 'cli', 'aws-go-sdk-1722375070115152000', 'nightly']) {
      const event = acceptedFrom(assumedRole(session));
      assert.deepEqual(event.identity, {
        id: role,
        kind: 'unknown',
        name: 'reports',
        peer_group: `${ACCOUNT}/Role`,
      });
      assert.equal(event.session, `${session}@2025-03-03T08:00:00Z`);
      assert.deepEqual(event.credential, { id: 'ASIAEXAMPLEEXAMPLE01', kind: 'temporary' });
    }
  });

  test('AssumedRole of an instance: the instance, beside the others of its role', () => {
    const event = acceptedFrom(assumedRole('i-0123456789abcdef0', { ec2RoleDelivery: '2.0' }));
    assert.deepEqual(event.identity, {
      id: `arn:aws:sts::${ACCOUNT}:assumed-role/reports/i-0123456789abcdef0`,
      kind: 'workload',
      name: 'i-0123456789abcdef0',
      peer_group: `arn:aws:iam::${ACCOUNT}:role/service-role/reports`,
    });
  });

  test('AssumedRole of a person: by mail address, or from IAM Identity Center', () => {
    const mail = acceptedFrom(assumedRole('ann@example.com'));
    assert.equal(mail.identity.id, `arn:aws:sts::${ACCOUNT}:assumed-role/reports/ann@example.com`);
    assert.equal(mail.identity.kind, 'human');
    assert.equal(mail.on_behalf_of, 'ann@example.com');
    const center = acceptedFrom(
      assumedRole('ann', {}, 'aws-reserved/sso.amazonaws.com/AWSReservedSSO_Admin_0123456789abcdef'),
    );
    assert.equal(center.identity.name, 'ann');
    assert.equal(center.identity.kind, 'human');
    assert.equal(center.on_behalf_of, 'ann');
  });

  test('AssumedRole without an issuer, and with the session in the principal only', () => {
    const { sessionContext: _, ...bare } = assumedRole('nightly');
    assert.equal(acceptedFrom(bare).identity.id, `arn:aws:iam::${ACCOUNT}:role/reports`);
    const { arn: __, ...without_arn } = assumedRole('i-0123456789abcdef0');
    assert.equal(
      acceptedFrom(without_arn).identity.id,
      `arn:aws:sts::${ACCOUNT}:assumed-role/reports/i-0123456789abcdef0`,
    );
    const { arn: ___, sessionContext: ____, ...principal } = assumedRole('nightly');
    assert.equal(acceptedFrom(principal).identity.id, `${ACCOUNT}/AROAEXAMPLEEXAMPLE01`);
  });

  test('AssumedRole of a function, of a service, and with a source identity', () => {
    const issued = `arn:aws:lambda:eu-central-1:${ACCOUNT}:function:report`;
    const scope = { issuerType: 'AWS::Lambda::Function', credentialsIssuedTo: issued };
    const fn = acceptedFrom({ ...assumedRole('report'), inScopeOf: scope });
    assert.equal(fn.identity.kind, 'workload');
    assert.equal(fn.source?.workload, issued);
    const linked = acceptedFrom(assumedRole('AutoScaling', {}, 'aws-service-role/autoscaling.amazonaws.com/Linked'));
    assert.equal(linked.identity.kind, 'service');
    const source = acceptedFrom(assumedRole('cli', { sourceIdentity: 'ann' }));
    assert.equal(source.on_behalf_of, 'ann');
    const invoked = acceptedFrom({ ...assumedRole('cli'), invokedBy: 'cloudformation.amazonaws.com' });
    assert.equal(invoked.source?.workload, 'cloudformation.amazonaws.com');
  });

  test('Role, Root and IdentityCenterUser', () => {
    const role = { type: 'Role', arn: `arn:aws:iam::${ACCOUNT}:role/reports`, accountId: ACCOUNT };
    assert.equal(acceptedFrom(role).identity.id, role.arn);
    const root = { type: 'Root', principalId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:root`, accountId: ACCOUNT };
    assert.deepEqual(acceptedFrom(root).identity, {
      id: root.arn,
      kind: 'human',
      name: 'root',
      peer_group: `${ACCOUNT}/Root`,
    });
    const store = `arn:aws:identitystore::${ACCOUNT}:identitystore/d-1234567890`;
    const center = acceptedFrom({
      type: 'IdentityCenterUser',
      accountId: ACCOUNT,
      onBehalfOf: { userId: '544894e8-80c1-707f-60e3-3ba6510dfac1', identityStoreArn: store },
      credentialId: 'credential-1',
    });
    assert.equal(center.identity.id, `${store}/544894e8-80c1-707f-60e3-3ba6510dfac1`);
    assert.equal(center.identity.kind, 'human');
    assert.equal(center.on_behalf_of, center.identity.id);
    assert.deepEqual(center.credential, { id: 'credential-1', kind: 'identity_center' });
  });

  test('FederatedUser: who called, unless the name is a person', () => {
    const sessionContext = {
      attributes: { creationDate: '2025-03-03T08:00:00Z' },
      sessionIssuer: { type: 'IAMUser', arn: USER.arn, accountId: ACCOUNT, userName: 'ann' },
    };
    const federated = (name: string) =>
      acceptedFrom({
        type: 'FederatedUser',
        principalId: `${ACCOUNT}:${name}`,
        arn: `arn:aws:sts::${ACCOUNT}:federated-user/${name}`,
        accountId: ACCOUNT,
        accessKeyId: 'ASIAEXAMPLEEXAMPLE01',
        sessionContext,
      });
    const chosen = federated('tmp');
    assert.equal(chosen.identity.id, USER.arn);
    assert.equal(chosen.identity.peer_group, `${ACCOUNT}/IAMUser`);
    assert.equal(chosen.session, 'tmp@2025-03-03T08:00:00Z');
    const person = federated('bob@example.com');
    assert.equal(person.identity.id, `arn:aws:sts::${ACCOUNT}:federated-user/bob@example.com`);
    assert.equal(person.on_behalf_of, 'bob@example.com');
    assert.equal(person.identity.peer_group, USER.arn);
  });

  test('WebIdentityUser and SAMLUser, who have no credential yet', () => {
    const pod = acceptedFrom({
      type: 'WebIdentityUser',
      principalId: 'oidc.example.com/id/X:sts.amazonaws.com:system:serviceaccount:shop:cart',
      userName: 'system:serviceaccount:shop:cart',
      identityProvider: 'oidc.example.com/id/X',
    });
    assert.equal(pod.identity.id, 'oidc.example.com/id/X:sts.amazonaws.com:system:serviceaccount:shop:cart');
    assert.equal(pod.identity.kind, 'workload');
    const saml = acceptedFrom({ type: 'SAMLUser', userName: 'ann', identityProvider: 'bdGOnTesti4=' });
    assert.deepEqual([saml.identity.id, saml.identity.kind], ['bdGOnTesti4=:ann', 'human']);
    assert.equal(saml.credential, undefined);
  });

  test('AWSService, service events, AWSAccount, Directory and Unknown', () => {
    const service = acceptedFrom(
      { type: 'AWSService', invokedBy: 'ec2.amazonaws.com' },
      { sourceIPAddress: 'ec2.amazonaws.com' },
    );
    assert.deepEqual(service.identity, {
      id: `ec2.amazonaws.com/${ACCOUNT}`,
      kind: 'service',
      name: 'ec2.amazonaws.com',
      peer_group: `${ACCOUNT}/AWSService`,
    });
    assert.deepEqual(service.source, { workload: 'ec2.amazonaws.com' });
    const internal = acceptedFrom(
      { accountId: ACCOUNT, invokedBy: 'AWS Internal' },
      { eventType: 'AwsServiceEvent', sourceIPAddress: 'AWS Internal', eventName: 'RotateKey' },
    );
    assert.equal(internal.identity.id, `AWS Internal/${ACCOUNT}`);
    const unsigned = acceptedFrom(undefined, { eventType: 'AwsServiceEvent', eventSource: 'kms.amazonaws.com' });
    assert.equal(unsigned.identity.id, `kms.amazonaws.com/${ACCOUNT}`);
    const account = acceptedFrom({
      type: 'AWSAccount',
      principalId: 'AROAEXAMPLEEXAMPLE09:run-17',
      accountId: OTHER_ACCOUNT,
    });
    assert.equal(account.identity.id, `${OTHER_ACCOUNT}/AROAEXAMPLEEXAMPLE09`);
    const whole = acceptedFrom({ type: 'AWSAccount', principalId: OTHER_ACCOUNT, accountId: OTHER_ACCOUNT });
    assert.equal(whole.identity.id, OTHER_ACCOUNT);
    const anonymous = acceptedFrom({ type: 'AWSAccount', principalId: '', accountId: 'ANONYMOUS_PRINCIPAL' });
    assert.equal(anonymous.identity.id, 'ANONYMOUS_PRINCIPAL');
    assert.equal(acceptedFrom({ type: 'Directory', userName: 'ann' }).identity.kind, 'human');
    const unknown = acceptedFrom({ type: 'Unknown', accountId: ACCOUNT, userName: 'ann@example.com' });
    assert.equal(unknown.identity.id, `${ACCOUNT}/ann@example.com`);
  });

  test('an account number that lost its quotes is a name all the same', () => {
    const { arn: _, ...without } = USER;
    const event = acceptedFrom({ ...without, accountId: 111122223333 });
    assert.equal(event.identity.id, USER.arn);
  });

  test('names longer than an identifier may be are cut, and stay apart', () => {
    const of = (end: string) =>
      acceptedFrom({ type: 'WebIdentityUser', principalId: `oidc:${'repository/'.repeat(40)}${end}` }).identity;
    assert.equal(of('a').id.length, 256);
    assert.notEqual(of('a').id, of('b').id);
    assert.equal(of('a').id, of('a').id);
    const role = assumedRole('nightly', {}, `${'path/'.repeat(60)}reports`);
    assert.equal(acceptedFrom(role).identity.id.length, 256);
    assert.equal(acceptedFrom(assumedRole('x'.repeat(400))).session?.length, 256);
  });

  test('a record that names nobody is refused, and says so', () => {
    for (const userIdentity of [{}, undefined, null, { type: 'IAMUser' }]) {
      const letter = refusedRecord(record({ userIdentity }));
      assert.equal(letter.reason, 'schema_mismatch');
      assert.equal(letter.field, 'userIdentity');
      assert.match(letter.message, /names nobody/);
    }
  });
});
