import { z } from 'zod';
import { AuditExportPage, AuditKeys, AuditKind, AuditPage } from '../../../schemas/api/audit.ts';
import { CursorText, Limit, TimeMs } from '../../../schemas/api/shared.ts';
import { ContainmentId } from '../../../schemas/digests.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { PrincipalRef } from '../../../schemas/principal.ts';
import { readExport } from '../../control/audit-export.ts';
import { readAudit } from '../../control/audit-read.ts';
import { publicPem } from '../../control/checkpoints.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { defined } from '../defined.ts';
import { Refused, refuseAs } from '../errors.ts';
import { keyset } from '../keyset.ts';
import type { Ports } from '../ports.ts';
import { type Route, route } from '../route.ts';

const AUDITORS = ['admin', 'siem'] as const;

/** The generation says which log the offset is of. */
const entries = keyset('audit', z.object({ log: z.string(), offset: z.int().min(0) }));
const lines = keyset('audit_export', z.object({ log: z.string(), offset: z.int().min(0), n: z.int().min(1) }));

const list = route({
  method: 'GET',
  url: '/v1/audit',
  access: AUDITORS,
  tag: 'audit',
  summary: 'Everything that was decided, by whom and when: records of the control log, oldest first',
  query: z.strictObject({
    since: TimeMs.optional(),
    until: TimeMs.optional(),
    kind: AuditKind.optional(),
    by: PrincipalRef.shape.subject.optional(),
    containment: ContainmentId.optional(),
    limit: Limit.default(100),
    cursor: CursorText.optional(),
  }),
  answer: AuditPage,
  async handle({ query, context: { ports } }) {
    const { limit, cursor, ...filter } = query;
    const log = await generationOf(ports);
    const from = placeIn(entries.decode(cursor), log);
    if (from instanceof Refused) return from;
    const { items, next, more } = await readAudit(ports.log, from?.offset ?? 0, { limit, filter });
    return { items: [...items], next_cursor: entries.encode({ log, offset: next }), more };
  },
});

const exported = route({
  method: 'GET',
  url: '/v1/audit/export',
  access: AUDITORS,
  tag: 'audit',
  summary: 'The control log line by line, as its hash chain binds it: for verification elsewhere. It holds no secrets.',
  query: z.strictObject({
    /** Number of the first record. */
    from: z.coerce.number().int().min(1).default(1),
    cursor: CursorText.optional(),
  }),
  answer: AuditExportPage,
  async handle({ query, context: { ports } }) {
    const log = await generationOf(ports);
    const decoded = placeIn(lines.decode(query.cursor), log);
    if (decoded instanceof Refused) return decoded;
    let at = { offset: decoded?.offset ?? 0, n: decoded?.n ?? 1 };
    for (let looked = 0; ; ) {
      const page = await readExport(ports.log, at);
      const items = page.lines.filter(({ n }) => n >= query.from).map(({ bytes }) => bytes.toString('utf8'));
      const more = page.next.offset !== at.offset;
      looked += Math.max(1, page.lines.length);
      at = page.next;
      if (items.length === 0 && more && looked < LIMITS.audit_scan_records_max) continue;
      return { items, next_cursor: lines.encode({ log, ...at }), more };
    }
  },
});

const key = route({
  method: 'GET',
  url: '/v1/audit/key',
  access: 'authenticated',
  tag: 'audit',
  summary: 'Public keys that sign checkpoints of the control log, where its chain stands, and the last checkpoint',
  answer: AuditKeys,
  async handle({ context: { ports } }) {
    const { keys, checkpoint } = ports.control.state.audit;
    return {
      log: await generationOf(ports),
      head: ports.control.head(),
      ...(checkpoint && { checkpoint: { n: checkpoint.n, time: checkpoint.when, jws: checkpoint.jws } }),
      keys: keys.map(({ key: one, since, endorsement }) => {
        return { ...one, pem: publicPem(one), since, ...defined({ endorsement }) };
      }),
    };
  },
});

async function generationOf({ log }: Pick<Ports, 'log'>): Promise<string> {
  return (await log.describe(TOPICS.control)).generation;
}

function placeIn<Place extends { readonly log: string }>(
  place: Place | Refused | undefined,
  log: string,
): Place | Refused | undefined {
  if (place === undefined || place instanceof Refused || place.log === log) return place;
  return refuseAs('cursor_generation', 'the cursor is of a control log that is no more', { field: 'query.cursor' });
}

export const audit: readonly Route[] = [list, exported, key];
