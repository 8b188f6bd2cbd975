import { ExportLogsAnswer, ExportTraceAnswer } from '../../../schemas/api/otlp.ts';
import { readBody } from '../body.ts';
import { Refused, refuse } from '../errors.ts';
import { encodingOf, exportAnswer, type Rejected, sendOtlp } from '../otlp-answers.ts';
import type { SubmittedResult } from '../ports.ts';
import { type Asked, type Route, route } from '../route.ts';
import { ORIGIN } from './events.ts';

const SUMMARY =
  'as OpenTelemetry exporters send them: protobuf or JSON, plain or gzip. Answered once all of it is durable.';

/** OTLP over HTTP (OTLP specification 1.x, OTLP/HTTP). The same request may be sent to either; each has an answer of its own. */
export const otlp: readonly Route[] = [
  route({
    method: 'POST',
    url: '/v1/traces',
    access: ['ingest'],
    tag: 'otlp',
    summary: `Submit spans ${SUMMARY}`,
    answer: ExportTraceAnswer,
    raw_body: 'otlp',
    handle: (asked) => submit(asked, 'rejectedSpans'),
  }),
  route({
    method: 'POST',
    url: '/v1/logs',
    access: ['ingest'],
    tag: 'otlp',
    summary: `Submit log records ${SUMMARY}`,
    answer: ExportLogsAnswer,
    raw_body: 'otlp',
    handle: (asked) => submit(asked, 'rejectedLogRecords'),
  }),
];

async function submit(
  { request, reply, context }: Asked<undefined, undefined, undefined>,
  name: 'rejectedSpans' | 'rejectedLogRecords',
) {
  const encoding = encodingOf(request);
  // A request without spans is no bytes in protobuf, and valid.
  const body = await readBody(request, { may_be_empty: encoding === 'proto' });
  if (body instanceof Refused) return body;
  const position = `request-${request.id}`;
  const { results } = await context.ports.ingest.submit([{ bytes: body, position }], {
    format: encoding === 'proto' ? 'otlp_proto' : 'otlp_json',
    origin: ORIGIN,
  });
  const rejected = results.filter(isRejected);
  const whole = rejected.find((one) => one.position === position);
  if (whole !== undefined) {
    return refuse('request_undecodable', {
      message: `${whole.reason}: ${whole.message}`,
      remedy: 'it is kept as a dead letter; do not send the same again',
    });
  }
  return sendOtlp(reply, encoding, exportAnswer(encoding, name, rejectedOf(rejected)));
}

type RejectedResult = SubmittedResult & { readonly status: 'dead_lettered' };

function isRejected(result: SubmittedResult): result is RejectedResult {
  return result.status === 'dead_lettered';
}

const REASONS_TOLD = 3;

function rejectedOf(rejected: readonly RejectedResult[]): Rejected | undefined {
  if (rejected.length === 0) return undefined;
  const reasons = new Map(
    rejected.map(({ reason, message, position }) => [reason, `${position}: ${reason}: ${message}`]),
  );
  const told = [...reasons.values()].slice(0, REASONS_TOLD).join('\n');
  return { count: rejected.length, message: `dead-lettered, see GET /v1/dead-letters\n${told}` };
}
