import { z } from 'zod';
import { SourcesAnswer } from '../../../schemas/api/sources.ts';
import { type Route, route } from '../route.ts';
import { sourcesOf } from '../sources.ts';

const arriving = route({
  method: 'GET',
  url: '/v1/sources',
  access: ['viewer', 'analyst', 'approver', 'admin'],
  tag: 'operations',
  summary: 'What arrives, in which format, how much of it resolves, and what it lacks for better detection',
  query: z.strictObject({
    /** Days over which stored events are looked at. */
    days: z.coerce.number().int().min(1).max(90).default(7),
  }),
  answer: SourcesAnswer,
  handle: ({ query, context: { ports } }) => sourcesOf(ports, query.days),
});

export const sources: readonly Route[] = [arriving];
