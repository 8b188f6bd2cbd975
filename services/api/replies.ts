import type { FastifyReply } from 'fastify';
import type { ErrorBody } from '../../schemas/api/shared.ts';
import { defined } from './defined.ts';
import { type Refused, STATUS_OF } from './errors.ts';
import { sendStatus } from './otlp-answers.ts';
import { sendProblem } from './pages/send.ts';

/** The one shape of every refusal. */
export function errorBody({ code, message, details }: Refused): ErrorBody {
  const { field, remedy } = details;
  return { error: { code, message, ...defined({ field, remedy }) } };
}

/** Refuses a request: status, headers and body all follow from the code. */
export function sendRefusal(reply: FastifyReply, refused: Refused): FastifyReply {
  const { retry_after_s } = refused.details;
  const status = STATUS_OF[refused.code];
  if (retry_after_s !== undefined) reply.header('retry-after', String(retry_after_s));
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="countersign"');
  reply.code(status);
  const { config } = reply.request.routeOptions ?? {};
  if (config?.raw_body === 'otlp') return sendStatus(reply, refused);
  if (config?.page === true && reply.request.headers.accept?.includes('text/html')) return sendProblem(reply, refused);
  return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(errorBody(refused));
}
