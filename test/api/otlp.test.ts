import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type Attributes, type DiagLogger, diag, SeverityNumber } from '@opentelemetry/api';
import { OTLPLogExporter as JsonLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogExporter } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { LIMITS } from '../../schemas/limits.ts';
import { LogUnavailable } from '../../services/platform/event-log.ts';
import { until } from '../ingest/raw-support.ts';
import { type Service, startService } from './support/service.ts';

const resource = resourceFromAttributes({ 'service.name': 'desk', 'service.instance.id': 'i-1' });

/** A tool call that says whose it is. */
const call = (more: Attributes = {}): Attributes => ({
  'gen_ai.operation.name': 'execute_tool',
  'gen_ai.tool.name': 'read_file',
  'gen_ai.agent.id': 'agent-1',
  'gen_ai.tool.call.arguments': '{"path":"/kb/refunds.md"}',
  ...more,
});

type Sums = {
  readonly received: number;
  readonly accepted: number;
  readonly dead_lettered: number;
  readonly held: number;
};

describe('OTLP over HTTP', { concurrency: 1 }, () => {
  let service: Service;
  let broken = false;
  let held: Promise<void> | undefined;
  const submitted: Sums[] = [];

  before(async () => {
    service = await startService({
      change: (ports) => ({
        ...ports,
        ingest: {
          ...ports.ingest,
          async submit(items, options) {
            if (held !== undefined) await held;
            if (broken) throw new LogUnavailable('disk_full', '/secret/path is full');
            const sums = await ports.ingest.submit(items, options);
            submitted.push(sums);
            return sums;
          },
        },
      }),
    });
  });
  after(() => service.close());

  const send = (payload: string | Buffer, type: string, headers: Record<string, string> = {}, url = '/v1/traces') =>
    service.as('ingest', { method: 'POST', url, headers: { 'content-type': type, ...headers }, payload });

  /** Exporters are told where to send by the environment, as docs/sources/otlp.md says. */
  function configured<T>(compression: string, make: () => T): T {
    const variables = {
      OTEL_EXPORTER_OTLP_ENDPOINT: service.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${service.tokens.ingest}`,
      OTEL_EXPORTER_OTLP_COMPRESSION: compression,
    };
    Object.assign(process.env, variables);
    const made = make();
    for (const name of Object.keys(variables)) delete process.env[name];
    return made;
  }

  for (const compression of ['none', 'gzip'] as const) {
    for (const encoding of ['proto', 'json'] as const) {
      test(`the SDK's exporter of traces in ${encoding}, compression ${compression}`, async () => {
        submitted.length = 0;
        const Exporter = encoding === 'proto' ? ProtoTraceExporter : JsonTraceExporter;
        const exporter = configured(compression, () => new Exporter());
        const provider = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] });
        const tracer = provider.getTracer('test', '1.0');
        tracer.startSpan('execute_tool read_file', { attributes: call() }).end();
        tracer.startSpan('invoke_agent', { attributes: { 'gen_ai.operation.name': 'invoke_agent' } }).end();
        tracer.startSpan('execute_tool', { attributes: call({ 'gen_ai.agent.id': 'agent-\u0001' }) }).end();
        const warnings = await warningsOf(() => provider.shutdown());
        assert.equal(submitted.length, 1);
        const [sums] = submitted;
        assert.deepEqual([sums?.received, sums?.accepted, sums?.dead_lettered], [3, 1, 1]);
        assert.match(warnings, /partial success/i);
        assert.match(warnings, /rejectedSpans"?:\s*"?1/);
        assert.match(warnings, /dead-lettered, see GET/);
      });

      test(`the SDK's exporter of logs in ${encoding}, compression ${compression}`, async () => {
        submitted.length = 0;
        const Exporter = encoding === 'proto' ? ProtoLogExporter : JsonLogExporter;
        const exporter = configured(compression, () => new Exporter());
        const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor({ exporter })] });
        const logger = provider.getLogger('test', '1.0');
        logger.emit({ eventName: 'gen_ai.user.message', severityNumber: SeverityNumber.INFO, body: { role: 'user' } });
        logger.emit({ body: 'a line of some other program' });
        const warnings = await warningsOf(() => provider.shutdown());
        assert.equal(submitted.length, 1);
        const [sums] = submitted;
        assert.deepEqual([sums?.received, sums?.accepted, sums?.dead_lettered], [2, 0, 1]);
        assert.match(warnings, /rejectedLogRecords"?:\s*"?1/);
      });
    }
  }

  test('all taken: the empty answer of the encoding that was sent', async () => {
    const json = await send(requestOf([spanOf({})]), 'application/json; charset=utf-8');
    assert.deepEqual([json.statusCode, json.headers['content-type'], json.payload], [200, 'application/json', '{}']);
    const empty = await send(Buffer.alloc(0), 'application/x-protobuf');
    assert.deepEqual([empty.statusCode, empty.headers['content-type']], [200, 'application/x-protobuf']);
    assert.equal(empty.rawPayload.length, 0);
    const packed = await send(gzipSync(Buffer.alloc(0)), 'application/x-protobuf', { 'content-encoding': 'gzip' });
    assert.equal(packed.statusCode, 200);
    assert.equal((await send('{"resourceSpans":[]}', 'application/json')).payload, '{}');
    const logs = await send(requestOf([spanOf({})]), 'application/json', {}, '/v1/logs');
    assert.equal(logs.statusCode, 200, 'what a request is shows in its content');
  });

  test('a request that is refused as a whole is kept, and answered with 400 and a status', async () => {
    submitted.length = 0;
    for (const text of ['{"resourceSpans":7}', '{"resourceSpans":[', '[]', '{"resourceMetrics":[]}', '{"a":1}']) {
      const answer = await send(text, 'application/json');
      assert.equal(answer.statusCode, 400, text);
      const status = answer.json<{ code: number; message: string }>();
      assert.equal(status.code, 3);
      assert.match(status.message, /^request_undecodable: /);
    }
    assert.deepEqual(
      submitted.map(({ received, dead_lettered }) => [received, dead_lettered]),
      Array.from({ length: 5 }, () => [1, 1]),
    );
    const proto = await send(Buffer.from('0a05ffffffffff', 'hex'), 'application/x-protobuf');
    assert.deepEqual([proto.statusCode, proto.headers['content-type']], [400, 'application/x-protobuf']);
    assert.match(statusOf(proto.rawPayload), /^3 request_undecodable: /);
  });

  test('refusals before anything was read are statuses too', async () => {
    const body = requestOf([spanOf({})]);
    const refused = async (answer: ReturnType<typeof send>) => {
      const { statusCode, headers, rawPayload } = await answer;
      const text = headers['content-type'] === 'application/json' ? rawPayload.toString() : statusOf(rawPayload);
      return [statusCode, /(\w+): /.exec(text.replace(/"\w+":/g, ''))?.[1], headers['retry-after']];
    };
    const stranger = service.app.inject({
      method: 'POST',
      url: '/v1/traces',
      headers: { 'content-type': 'application/x-protobuf', authorization: 'Bearer csk_0000' },
      payload: Buffer.alloc(0),
    });
    assert.deepEqual(await refused(stranger), [401, 'credential_refused', undefined]);
    const viewer = service.as('viewer', {
      method: 'POST',
      url: '/v1/logs',
      headers: { 'content-type': 'application/json' },
      payload: body,
    });
    assert.deepEqual(await refused(viewer), [403, 'role_missing', undefined]);
    assert.deepEqual(await refused(send('', 'application/json')), [400, 'body_empty', undefined]);
    assert.deepEqual(await refused(send(body, 'text/plain')), [415, 'content_type_unsupported', undefined]);
    const brotli = send(body, 'application/json', { 'content-encoding': 'br' });
    assert.deepEqual(await refused(brotli), [415, 'content_encoding_unsupported', undefined]);
    const large = Buffer.alloc(LIMITS.http_body_bytes_max + 1, 0x20);
    assert.deepEqual(await refused(send(large, 'application/json')), [413, 'body_too_large', undefined]);
    broken = true;
    assert.deepEqual(await refused(send(body, 'application/json')), [503, 'log_unavailable', '5']);
    broken = false;
  });

  test('back-pressure is that of POST /v1/events, and one for both', { timeout: 20_000 }, async () => {
    let release = (): void => undefined;
    held = new Promise((resolve) => {
      release = resolve;
    });
    const body = requestOf([spanOf({ n: 20 })]);
    const begun = Array.from({ length: LIMITS.http_ingest_requests_max }, () => send(body, 'application/json'));
    await until('all places are taken', async () => {
      const answer = await service.as('ingest', {
        method: 'POST',
        url: '/v1/events',
        headers: { 'content-type': 'application/json' },
        payload: 'x',
      });
      return answer.statusCode === 503;
    });
    const busy = await send(Buffer.alloc(0), 'application/x-protobuf');
    assert.deepEqual([busy.statusCode, busy.headers['retry-after']], [503, '1']);
    assert.match(statusOf(busy.rawPayload), /^14 too_busy: /);
    held = undefined;
    release();
    for (const answer of begun) assert.equal((await answer).statusCode, 200);
  });

  test('an address that keeps coming with keys that are not valid is told to wait', async () => {
    const stranger = () =>
      service.app.inject({
        method: 'POST',
        url: '/v1/traces',
        headers: { 'content-type': 'application/x-protobuf', authorization: 'Bearer csk_0000' },
        payload: Buffer.alloc(0),
      });
    let answer = await stranger();
    for (let tries = 0; tries < LIMITS.auth_failures_max && answer.statusCode === 401; tries++)
      answer = await stranger();
    assert.equal(answer.statusCode, 429);
    assert.match(String(answer.headers['retry-after']), /^\d+$/);
    assert.match(statusOf(answer.rawPayload), /^8 too_many_failures: /);
    assert.equal((await send(Buffer.alloc(0), 'application/x-protobuf')).statusCode, 200, 'a valid key is not held up');
  });

  test('what a request holds may be larger and deeper than an item', async () => {
    let deep: unknown = { stringValue: 'x' };
    for (let level = 0; level < LIMITS.otlp_value_depth_max + 5; level++) deep = { arrayValue: { values: [deep] } };
    const spans = Array.from({ length: 3 }, (_, n) => spanOf({ n, arguments: 'x'.repeat(LIMITS.item_bytes_max / 2) }));
    const body = requestOf([...spans, { ...spanOf({ n: 9 }), attributes: [{ key: 'deep', value: deep }] }]);
    assert.ok(body.length > LIMITS.item_bytes_max);
    const answer = await send(gzipSync(body), 'application/json', { 'content-encoding': 'gzip' });
    assert.equal(answer.statusCode, 200);
    const { partialSuccess } = answer.json<{ partialSuccess: { rejectedSpans: string; errorMessage: string } }>();
    assert.equal(partialSuccess.rejectedSpans, '1');
    assert.match(partialSuccess.errorMessage, /#span 3: too_deep: /);
  });
});

/** What the SDK logs while something runs. */
async function warningsOf(run: () => Promise<void>): Promise<string> {
  const lines: string[] = [];
  const note = (...words: unknown[]): void => {
    lines.push(words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join(' '));
  };
  const logger: DiagLogger = { error: note, warn: note, info() {}, debug() {}, verbose() {} };
  diag.setLogger(logger, { suppressOverrideMessage: true });
  await run();
  diag.disable();
  return lines.join('\n');
}

function spanOf({ n = 1, arguments: text = '{}' }: { readonly n?: number; readonly arguments?: string }) {
  const attributes = Object.entries({ ...call(), 'gen_ai.tool.call.arguments': text });
  return {
    traceId: '45dc11320fd5699a41c1e05f05333385',
    spanId: (n + 1).toString(16).padStart(16, '0'),
    name: 'execute_tool',
    startTimeUnixNano: '1740989153958000000',
    endTimeUnixNano: '1740989154873000000',
    attributes: attributes.map(([key, value]) => ({ key, value: { stringValue: String(value) } })),
  };
}

function requestOf(spans: readonly object[]): string {
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

/** A google.rpc.Status in protobuf, as `code message`. */
function statusOf(bytes: Buffer): string {
  const reader = new BinaryReader(bytes);
  const [code] = reader.tag();
  const number = reader.int32();
  const [message] = reader.tag();
  assert.deepEqual([code, message], [1, 2]);
  return `${number} ${reader.string()}`;
}
