import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { decideItem } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { ACCOUNT, acceptedRecord, assumedRole, record } from './cloudtrail-support.ts';
import { activity } from './ocsf-support.ts';
import { accepted, context, fullInput, itemOf, MONDAY_MS, refused } from './support.ts';

const formats = normalisersOf('ocsf', []);
const acceptedActivity = (more: Record<string, unknown> = {}): CanonicalEvent => accepted(activity(more), { formats });
const refusedActivity = (more: Record<string, unknown> = {}): ReturnType<typeof refused> =>
  refused(activity(more), { formats });
const operation = (name: string, activity_id: number, service = 'tickets'): string =>
  acceptedActivity({ activity_id, api: { operation: name, service: { name: service } } }).action.operation;
const outcome = (more: Record<string, unknown>): CanonicalEvent['outcome'] =>
  acceptedActivity({ status_id: undefined, ...more }).outcome;

describe('API Activity', () => {
  test('all that it tells', () => {
    const event = acceptedActivity({
      metadata: { ...(activity().metadata as object), logged_time: MONDAY_MS + 1_000 },
      api: { operation: 'tickets.search', service: { name: 'tickets' }, version: 'v2', request: { uid: 'r-1' } },
      http_request: { user_agent: 'agent/1', body_length: 120, url: { path: '/search', query_string: 'q=secret' } },
      http_response: { code: 200, length: 4096 },
      resources: [{ uid: 'T-1', type: 'ticket', namespace: 'queue-a', data: { body: 'secret' } }, { name: 'T-2' }, 7],
      trace: { uid: 't-1', span: { uid: 's-1', parent_uid: 'p-1' } },
      raw_data: 'secret',
      unmapped: { 'requestParameters.q': 'secret' },
    });
    const { key: _, ...rest } = event;
    assert.deepEqual(rest, {
      id: 'ev-1',
      origin: 'test',
      tenant: 'default',
      time: MONDAY_MS,
      observed_time: MONDAY_MS + 1_000,
      identity: { id: 'u-17', kind: 'service', name: 'indexer', peer_group: 'acme/Service' },
      action: { operation: 'search' },
      tool: { name: 'tickets.search', server: 'tickets', version: 'v2' },
      resources: [
        { id: 'T-1', store: 'queue-a', kind: 'ticket' },
        { id: 'T-2', store: 'tickets' },
      ],
      volume: { bytes_in: 120, bytes_out: 4096 },
      outcome: { status: 'ok', code: '200' },
      session: 'session-1',
      credential: { id: 'key-1' },
      source: { ip: '203.0.113.9', workload: 'pod-1' },
      trace: { trace_id: 't-1', span_id: 's-1', parent_span_id: 'p-1' },
      unmapped: {
        'actor.user.type_id': 4,
        'api.request.uid': 'r-1',
        activity_id: 2,
        category_uid: 6,
        cloud: { account: { uid: 'acme' } },
        'resources[2]': 7,
        'http_request.url.path': '/search',
        'http_request.user_agent': 'agent/1',
        'metadata.logged_time': MONDAY_MS + 1_000,
        'metadata.product': { name: 'Gateway', vendor_name: 'Acme' },
        'metadata.version': '1.5.0',
        severity_id: 1,
        type_uid: 600302,
      },
    });
  });

  test('an AI agent is who acts, for the user, with its model', () => {
    const event = acceptedActivity({
      ai_agent: {
        uid: 'agent-7',
        name: 'Q4 Analysis',
        version: '1.4.2',
        instance_uid: 'run-3',
        ai_model: { name: 'm-1' },
      },
      message_context: { prompt_tokens: 12, completion_tokens: 34, application: { name: 'x' } },
    });
    assert.deepEqual(event.identity, { id: 'agent-7', kind: 'agent', name: 'Q4 Analysis', version: '1.4.2' });
    assert.deepEqual([event.on_behalf_of, event.session, event.model], ['u-17', 'run-3', 'm-1']);
    assert.deepEqual(event.volume, { tokens_in: 12, tokens_out: 34 });
  });

  test('the most lasting name of a user, else the application', () => {
    const of = (actor: unknown) => acceptedActivity({ actor }).identity;
    assert.equal(of({ user: { uid_alt: 'alt', name: 'n' } }).id, 'alt');
    assert.equal(of({ user: { email_addr: 'ann@example.com', name: 'n' } }).id, 'ann@example.com');
    assert.equal(of({ user: { name: 'ann', domain: 'CORP' } }).id, 'CORP\\ann');
    assert.deepEqual(of({ user: { uid: 'u', full_name: 'Ann A', type_id: 1 } }), {
      id: 'u',
      kind: 'unknown',
      name: 'Ann A',
      peer_group: 'acme/User',
    });
    for (const application of [
      { application: { uid: 'app' } },
      { application: { name: 'app' } },
      { app_uid: 'app' },
      { app_name: 'app' },
      { invoked_by: 'app' },
    ]) {
      assert.deepEqual([of(application).id, of(application).kind], ['app', 'service']);
    }
    const through = acceptedActivity({ actor: { user: { uid: 'u' }, app_name: 'portal' }, src_endpoint: {} });
    assert.deepEqual(through.source, { workload: 'portal' });
    const nobody = refusedActivity({ actor: { user: { type_id: 1 } } });
    assert.deepEqual([nobody.reason, nobody.field], ['schema_mismatch', 'actor']);
  });

  test('a call of AWS is of the same identity as in CloudTrail', () => {
    for (const session of ['nightly', 'i-0123456789abcdef0', 'ann@example.com']) {
      const userIdentity = assumedRole(session);
      const event = acceptedActivity({
        actor: {
          user: {
            type: 'AssumedRole',
            uid: userIdentity.arn,
            uid_alt: userIdentity.principalId,
            account: { uid: ACCOUNT },
            credential_uid: userIdentity.accessKeyId,
          },
          session: {
            created_time_dt: '2025-03-03T08:00:00Z',
            issuer: `arn:aws:iam::${ACCOUNT}:role/service-role/reports`,
          },
        },
        api: { operation: 'DescribeInstances', service: { name: 'ec2.amazonaws.com' } },
        cloud: { provider: 'AWS', account: { uid: ACCOUNT }, region: 'eu-central-1' },
        unmapped: { 'additionalEventData.bytesTransferredOut': '89', eventType: 'AwsApiCall' },
      });
      const trail = acceptedRecord(record({ userIdentity }));
      assert.deepEqual(event.identity, trail.identity);
      assert.deepEqual(
        [event.session, event.credential, event.on_behalf_of, event.action],
        [trail.session, trail.credential, trail.on_behalf_of, trail.action],
      );
      assert.deepEqual(event.volume, { bytes_out: 89 });
    }
    const service = acceptedActivity({
      actor: { user: { type: 'AWSService' }, invoked_by: 'ec2.amazonaws.com' },
      api: { operation: 'AssumeRole', service: { name: 'sts.amazonaws.com' } },
      cloud: { account: { uid: ACCOUNT } },
      resources: [{ uid: 'arn:aws:s3:::data/x' }, { uid: `arn:aws:iam::${ACCOUNT}:role/x` }],
    });
    assert.equal(service.identity.id, `ec2.amazonaws.com/${ACCOUNT}`);
    assert.equal(service.action.operation, 'delegate');
    assert.deepEqual(
      service.resources.map(({ store }) => store),
      ['data', 'iam'],
    );
  });

  test('the name of the operation decides, else the activity', () => {
    assert.equal(operation('tickets.search', 1), 'search');
    assert.equal(operation('frobnicate', 1), 'store');
    assert.equal(operation('frobnicate', 2), 'read');
    assert.equal(operation('frobnicate', 3), 'store');
    assert.equal(operation('frobnicate', 4), 'execute');
    assert.equal(operation('frobnicate', 99), 'unknown');
    assert.equal(operation('AssumeRole', 1, 'sts.amazonaws.com'), 'delegate');
  });

  test('the outcome: what is said, what was answered, and who was refused', () => {
    assert.equal(outcome({ status_id: 1 }).status, 'ok');
    assert.equal(outcome({ status: 'Success' }).status, 'ok');
    assert.equal(outcome({ http_response: { code: 204 } }).status, 'ok');
    assert.equal(outcome({}).status, 'unknown');
    assert.equal(outcome({ status_id: 0 }).status, 'unknown');
    assert.deepEqual(outcome({ status_id: 2, status_detail: 'broken' }), { status: 'error', reason: 'broken' });
    assert.equal(outcome({ status: 'Failure' }).status, 'error');
    assert.equal(outcome({ http_response: { code: '503' } }).status, 'error');
    const response = { error: 'AccessDenied', error_message: 'no' };
    assert.deepEqual(outcome({ status_id: 2, api: { operation: 'x', response } }), {
      status: 'denied',
      code: 'AccessDenied',
      reason: 'no',
    });
    assert.equal(outcome({ status_id: 2, status_code: '403' }).status, 'denied');
    assert.equal(outcome({ http_response: { code: 401 } }).status, 'denied');
    assert.equal(outcome({ status_id: 1, http_response: { code: 503 } }).status, 'ok');
    assert.equal(outcome({ status_id: 1, action_id: 2 }).status, 'denied');
    assert.equal(outcome({ status_id: 1, disposition_id: 2 }).status, 'denied');
  });

  test('id and time from where they are', () => {
    const metadata = (more: Record<string, unknown>) => ({ version: '1.1.0', product: {}, ...more });
    assert.equal(acceptedActivity({ metadata: metadata({ original_event_uid: 'o' }) }).id, 'o');
    const request = { operation: 'x', request: { uid: 'r' } };
    assert.equal(acceptedActivity({ metadata: metadata({}), api: request }).id, 'r');
    assert.match(refusedActivity({ metadata: metadata({}) }).message, /taken from metadata.uid/);
    assert.equal(acceptedActivity({ time: undefined, time_dt: '2025-03-03T09:00:00Z' }).time, MONDAY_MS);
    assert.equal(refusedActivity({ time: 1_740_992_400 }).reason, 'time_out_of_range');
  });

  test('other classes are refused by name, and wrong types in the words of the schema', () => {
    const other = refusedActivity({ class_uid: 3002, class_name: 'Authentication' });
    assert.deepEqual([other.reason, other.field], ['format_unknown', 'class_uid']);
    assert.match(other.message, /class 3002 \("Authentication"\) is not read, only 6003/);
    const wrong = refusedActivity({ actor: { user: { uid: ['u'] } } });
    assert.deepEqual([wrong.reason, wrong.field], ['schema_mismatch', 'actor.user.uid']);
    assert.match(refusedActivity({ api: {} }).message, /taken from api.operation/);
  });
});

describe('telling formats apart', () => {
  const auto = normalisersOf('auto', []);
  const chosen = (document: unknown): string => {
    const found = auto.find((format) => format.mismatch(document as Record<string, unknown>) === undefined);
    return found?.format ?? 'none';
  };

  test('each document is of its own format, whatever canonical names stand in it', () => {
    const canonicalWords = { action: {}, tool: {}, outcome: {}, resource: {}, volume: {}, identity: { id: 'x' } };
    assert.equal(chosen(fullInput()), 'canonical');
    assert.equal(chosen(activity()), 'ocsf');
    assert.equal(chosen(activity(canonicalWords)), 'ocsf');
    assert.equal(chosen(activity({ class_uid: 4001, ...canonicalWords })), 'ocsf');
    assert.equal(chosen(record()), 'cloudtrail');
    assert.equal(chosen({ Records: [record()] }), 'cloudtrail');
    const envelope = { 'detail-type': 'AWS API Call via CloudTrail', time: '2025-03-03T09:00:00Z', detail: record() };
    assert.equal(chosen(envelope), 'cloudtrail');
    assert.equal(chosen({ message: 'hello', time: 1 }), 'none');
    assert.equal(chosen({ class_uid: 6003 }), 'none');
    const notification = { eventVersion: '2.1', eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', awsRegion: 'x' };
    assert.equal(chosen({ Records: [notification] }), 'none');
  });

  test('an OCSF event is decided as one without being told', () => {
    const [only] = decideItem(itemOf(activity()), context({ formats: auto }));
    assert.equal(only?.kind === 'accepted' ? only.event.tool?.name : only?.kind, 'tickets.get');
  });
});
