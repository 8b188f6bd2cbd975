import { createHash } from 'node:crypto';
import type { EventInput } from '../../schemas/event.ts';
import type { Item } from '../../services/ingest/core.ts';
import { toProto } from '../support/otlp-proto.ts';
import { type Fleet, measuredEvents } from './input.ts';

/** The measured events of the fleet as sources of other formats send them, as one item a document. */
export type SourceInput = { readonly items: readonly Item[]; readonly events: number; readonly bytes: number };

/** Spans of one request: a Collector sends them in batches. */
const BATCH = 50;

export function otlpInput(size: Fleet, encoding: 'json' | 'proto'): SourceInput {
  const spans = measuredEvents(size).map(spanOf);
  const documents = [];
  for (let at = 0; at < spans.length; at += BATCH) {
    const request = requestOf(spans.slice(at, at + BATCH));
    documents.push(encoding === 'json' ? Buffer.from(JSON.stringify(request)) : toProto(request));
  }
  return inputOf(documents, spans.length);
}

export function cloudtrailInput(size: Fleet): SourceInput {
  return oneByOne(size, cloudtrailRecord);
}

export function ocsfInput(size: Fleet): SourceInput {
  return oneByOne(size, ocsfRecord);
}

export function mcpInput(size: Fleet): SourceInput {
  return oneByOne(size, mcpRecord);
}

function oneByOne(size: Fleet, write: (event: EventInput) => unknown): SourceInput {
  const documents = measuredEvents(size).map((event) => Buffer.from(JSON.stringify(write(event))));
  return inputOf(documents, documents.length);
}

function inputOf(documents: readonly Buffer[], events: number): SourceInput {
  const items = documents.map((bytes, index) => ({ bytes, position: `bench:${index}` }));
  return { items, events, bytes: documents.reduce((sum, { length }) => sum + length, 0) };
}

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const hexOf = (text: string, chars: number): string => createHash('sha256').update(text).digest('hex').slice(0, chars);
const timeOf = ({ time }: EventInput): number => new Date(time).getTime();
const toolOf = ({ tool, action }: EventInput): string => tool?.name ?? action?.name ?? 'unknown';
/** Content of the size that the event states, within reason. */
const contentOf = (bytes: number | undefined): string => 'x'.repeat(Math.min(bytes ?? 0, 2_000));

function spanOf(event: EventInput): Readonly<Record<string, unknown>> {
  const end = BigInt(timeOf(event)) * 1_000_000n;
  return {
    traceId: hexOf(event.session ?? event.id, 32),
    spanId: hexOf(event.id, 16),
    parentSpanId: hexOf(`${event.session}:root`, 16),
    name: `execute_tool ${toolOf(event)}`,
    kind: 1,
    startTimeUnixNano: `${end - 400_000_000n}`,
    endTimeUnixNano: `${end}`,
    attributes: [
      attribute('gen_ai.operation.name', 'execute_tool'),
      attribute('gen_ai.tool.name', toolOf(event)),
      attribute('gen_ai.agent.id', event.identity.id),
      attribute('gen_ai.conversation.id', event.session ?? 'none'),
      attribute('gen_ai.tool.call.id', `call_${event.id}`),
      attribute('gen_ai.tool.call.arguments', JSON.stringify({ path: event.resource?.id ?? '/', n: 10 })),
      attribute('gen_ai.tool.call.result', contentOf(event.volume?.bytes_out)),
      attribute('client.address', event.source?.ip ?? '10.0.0.1'),
    ],
    status: {},
  };
}

function requestOf(spans: readonly unknown[]) {
  const resource = { attributes: [attribute('service.name', 'assistant'), attribute('service.instance.id', 'a1')] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'agents', version: '1.4.0' }, spans }] }] };
}

function cloudtrailRecord(event: EventInput): unknown {
  const role = event.identity.id;
  return {
    eventVersion: '1.09',
    userIdentity: {
      type: 'AssumedRole',
      principalId: `AROAEXAMPLE:${role}`,
      arn: `arn:aws:sts::123456789012:assumed-role/${role}/${role}`,
      accountId: '123456789012',
      accessKeyId: 'ASIAEXAMPLEEXAMPLE00',
      sessionContext: {
        sessionIssuer: {
          type: 'Role',
          principalId: 'AROAEXAMPLE',
          arn: `arn:aws:iam::123456789012:role/${role}`,
          accountId: '123456789012',
          userName: role,
        },
        attributes: { creationDate: '2026-01-08T06:00:00Z', mfaAuthenticated: 'false' },
      },
    },
    eventTime: new Date(timeOf(event)).toISOString(),
    eventSource: 's3.amazonaws.com',
    eventName: 'GetObject',
    awsRegion: 'eu-central-1',
    sourceIPAddress: event.source?.ip ?? '10.0.0.1',
    userAgent: '[aws-sdk-js/3.0]',
    requestParameters: { bucketName: 'documents', key: event.resource?.id ?? 'index' },
    responseElements: null,
    additionalEventData: { bytesTransferredIn: 0, bytesTransferredOut: event.volume?.bytes_out ?? 0 },
    requestID: hexOf(`${event.id}:request`, 16),
    eventID: event.id,
    readOnly: true,
    resources: [{ type: 'AWS::S3::Object', ARN: `arn:aws:s3:::documents/${event.resource?.id ?? 'index'}` }],
    eventType: 'AwsApiCall',
    managementEvent: false,
    recipientAccountId: '123456789012',
    eventCategory: 'Data',
  };
}

function ocsfRecord(event: EventInput): unknown {
  return {
    class_uid: 6003,
    class_name: 'API Activity',
    category_uid: 6,
    activity_id: 2,
    type_uid: 600_302,
    severity_id: 1,
    status_id: 1,
    time: timeOf(event),
    metadata: { uid: event.id, version: '1.8.0', product: { name: 'gateway', vendor_name: 'Example' } },
    actor: {
      user: { uid: event.identity.id, name: event.identity.id, type_id: 3 },
      session: { uid: event.session ?? 'none' },
    },
    api: { operation: toolOf(event), service: { name: 'documents' } },
    src_endpoint: { ip: event.source?.ip ?? '10.0.0.1' },
    resources: [{ uid: event.resource?.id ?? '/', type: 'document' }],
  };
}

function mcpRecord(event: EventInput): unknown {
  const id = event.id;
  return {
    time: new Date(timeOf(event)).toISOString(),
    session: event.session ?? 'none',
    client: { id: event.identity.id },
    server: 'documents',
    request: {
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: toolOf(event), arguments: { path: event.resource?.id ?? '/' } },
    },
    response: { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: contentOf(event.volume?.bytes_out) }] } },
  };
}
