import { z } from 'zod';
import { DeadLetterPage } from '../../../schemas/api/events.ts';
import { CursorText, Limit } from '../../../schemas/api/shared.ts';
import { Health, Readiness, StatusAnswer } from '../../../schemas/api/status.ts';
import { DEAD_LETTER_REASONS } from '../../../schemas/dead-letter.ts';
import type { Role } from '../../../schemas/principal.ts';
import { defined } from '../defined.ts';
import { Refused } from '../errors.ts';
import { keyset } from '../keyset.ts';
import { type Route, route } from '../route.ts';
import { statusOf } from '../status.ts';

const places = keyset(
  'dead-letters',
  z.object({ time: z.int(), topic: z.string(), partition: z.int(), offset: z.int() }),
);

const health = route({
  method: 'GET',
  url: '/health',
  access: 'open',
  tag: 'operations',
  summary: 'Whether the process answers',
  answer: Health,
  handle: async () => ({ status: 'alive' as const }),
});

const ready = route({
  method: 'GET',
  url: '/health/ready',
  access: 'open',
  tag: 'operations',
  summary: 'Whether it can do its work, without any detail: 200 or 503',
  answer: Readiness,
  async handle({ context, reply }) {
    const report = await context.ports.readiness();
    if (!report.ready) reply.code(503);
    return { status: report.ready ? ('ready' as const) : ('not_ready' as const) };
  },
});

const status = route({
  method: 'GET',
  url: '/v1/status',
  access: ['viewer', 'analyst', 'approver', 'admin'],
  tag: 'operations',
  summary: 'How the service fares: sums, partitions, lags, gaps, and why it is not ready',
  answer: StatusAnswer,
  handle: ({ context }) => statusOf(context),
});

export const METRICS_ACCESS = ['viewer', 'siem', 'admin'] as const satisfies readonly Role[];

const metrics = route({
  method: 'GET',
  url: '/metrics',
  access: METRICS_ACCESS,
  tag: 'operations',
  summary: 'Metrics in the text format of Prometheus',
  produces: 'text/plain',
  async handle({ context, reply }) {
    const text = await context.ports.metrics();
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  },
});

const document = route({
  method: 'GET',
  url: '/v1/openapi.json',
  access: 'authenticated',
  tag: 'operations',
  summary: 'This API as an OpenAPI 3.1 document',
  answer: z.record(z.string(), z.unknown()),
  handle: async ({ request }) => ({ ...request.server.swagger() }),
});

const deadLetters = route({
  method: 'GET',
  url: '/v1/dead-letters',
  access: ['analyst', 'admin'],
  tag: 'operations',
  summary: 'Rejected items with reason and original bytes, newest first',
  query: z.strictObject({
    reason: z.enum(DEAD_LETTER_REASONS).optional(),
    limit: Limit.default(50),
    cursor: CursorText.optional(),
  }),
  answer: DeadLetterPage,
  async handle({ query, context: { ports } }) {
    const after = places.decode(query.cursor);
    if (after instanceof Refused) return after;
    const { items, next } = await ports.store.listDeadLetters({
      limit: query.limit,
      ...defined({ after, reason: query.reason }),
    });
    const counts = await ports.store.countDeadLetters();
    return {
      items: [...items],
      counts: Object.fromEntries(counts.map(({ name, count }) => [name, count])),
      ...(next !== undefined && { next_cursor: places.encode(next) }),
    };
  },
});

export const operations: readonly Route[] = [health, ready, status, metrics, document, deadLetters];
