import { z } from 'zod';
import { Severity } from '../../../schemas/alert.ts';
import { PullAnswer } from '../../../schemas/api/alerts.ts';
import { CursorText, IdentityId, Limit } from '../../../schemas/api/shared.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { toOcsf } from '../../../schemas/ocsf/to-ocsf.ts';
import { KEY_REFUSED } from '../authentication.ts';
import { defined } from '../defined.ts';
import { refuse, refuseAs } from '../errors.ts';
import { callerOf, type Route, route } from '../route.ts';

const PULLERS = ['siem'] as const;

export const siem: readonly Route[] = [
  route({
    method: 'GET',
    url: '/v1/siem/alerts',
    access: PULLERS,
    tag: 'siem',
    summary: 'Every alert revision once and in order, as OCSF, by a cursor that never skips and never repeats',
    query: z.strictObject({
      /** Absent: from the oldest that is kept. */
      cursor: CursorText.optional(),
      limit: Limit.default(100),
      /** Long poll: when nothing is there, wait so many seconds for the first item. */
      wait_s: z.coerce
        .number()
        .int()
        .min(0)
        .max(LIMITS.pull_wait_ms_max / 1000)
        .default(0),
      tenant: z.string().min(1).max(LIMITS.id_chars_max).optional(),
      severity_min: Severity.optional(),
      identity: IdentityId.optional(),
      status: z.enum(['open', 'closed']).optional(),
    }),
    answer: PullAnswer,
    async handle(asked) {
      const { query, context, reply } = asked;
      const { cursor, limit, wait_s, tenant, severity_min, identity, status } = query;
      const { feed, clock } = context.ports;
      const filter = defined({ tenant, severity_min, identity, status });
      const from = { limit, filter, ...defined({ cursor }) };
      const release = wait_s === 0 ? () => undefined : context.streams.take();
      if (release === undefined) {
        return refuse('too_busy', { retry_after_s: 5, remedy: 'poll without wait_s, or less often' });
      }
      const gone = new AbortController();
      const leave = (): void => gone.abort();
      reply.raw.once('close', leave);
      try {
        const signal = AbortSignal.any([context.closing, gone.signal]);
        const page = await feed.read(wait_s === 0 ? from : { ...from, wait: { ms: wait_s * 1000, clock, signal } });
        if (!page.ok) return refuseAs(page.error.code, page.error.message, { field: 'query.cursor' });
        // The key may have been revoked while it waited.
        if (!context.stillMay(callerOf(asked), PULLERS)) return KEY_REFUSED;
        const { next_cursor, more } = page;
        return { items: page.items.map(({ alert }) => toOcsf(alert)), next_cursor, more };
      } finally {
        reply.raw.off('close', leave);
        release();
      }
    },
  }),
];
