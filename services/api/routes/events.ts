import { SubmitAnswer, SubmitQuery } from '../../../schemas/api/events.ts';
import type { FormatName } from '../../../schemas/format.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { readBody } from '../body.ts';
import { Refused, refuse } from '../errors.ts';
import type { IngestItem, IngestPort, SubmittedResult } from '../ports.ts';
import { type Route, route } from '../route.ts';

/** The source that events over HTTP come from: part of their keys, so that a repeat is known for one. */
export const ORIGIN = 'http';

export const events: readonly Route[] = [
  route({
    method: 'POST',
    url: '/v1/events',
    access: ['ingest'],
    tag: 'events',
    summary:
      'Submit events: NDJSON, a JSON list, or one JSON object, plain or gzip. Answered once all of it is durable.',
    query: SubmitQuery,
    answer: SubmitAnswer,
    raw_body: 'events',
    async handle({ query, request, context }) {
      const { ingest } = context.ports;
      const format = formatOf(query, ingest);
      if (format instanceof Refused) return format;
      const body = await readBody(request);
      if (body instanceof Refused) return body;
      const items = itemsOf(body, request.headers['content-type'], ingest, `request-${request.id}`);
      if (items.length > LIMITS.http_batch_items_max) {
        return refuse('batch_too_large', {
          message: `more than ${LIMITS.http_batch_items_max} items in one request`,
          remedy: `send at most ${LIMITS.http_batch_items_max} items at a time`,
        });
      }
      const { results, ...sums } = await ingest.submit(items, { ...format, origin: ORIGIN });
      return { ...sums, ...shown(results, query.results) };
    },
  }),
];

function formatOf(
  { format, mapping }: { readonly format: FormatName; readonly mapping?: string | undefined },
  ingest: IngestPort,
): { readonly format: FormatName; readonly mapping?: string } | Refused {
  const remedy = `configured mappings: ${ingest.mappings.length === 0 ? 'none' : ingest.mappings.join(', ')}`;
  if (mapping !== undefined) {
    if (ingest.mappings.includes(mapping)) return { format: 'mapped', mapping };
    return refuse('mapping_unknown', { field: 'query.mapping', remedy });
  }
  if (format !== 'mapped' || ingest.mappings.length > 0) return { format };
  return refuse('mapping_missing', { field: 'query.format', remedy: 'configure one under ingest.mappings' });
}

const OPENING_BRACE = 0x7b;

/** `application/json` may hold one object over many lines; everything else is lines or a list. */
function itemsOf(body: Buffer, type: string | undefined, ingest: IngestPort, name: string): readonly IngestItem[] {
  const json = type?.toLowerCase().startsWith('application/json') === true;
  if (json && body[firstVisible(body)] === OPENING_BRACE) return [{ bytes: body, position: name }];
  return ingest.split(body, name);
}

function firstVisible(body: Buffer): number {
  const at = body.findIndex((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
  return at === -1 ? body.length : at;
}

function shown(results: readonly SubmittedResult[], which: 'none' | 'rejected' | 'all') {
  const wanted = which === 'none' ? [] : which === 'all' ? results : results.filter(isRejected);
  const told = wanted.slice(0, LIMITS.http_results_max);
  return { results: told, results_omitted: wanted.length - told.length };
}

function isRejected(result: SubmittedResult): boolean {
  return result.status === 'dead_lettered';
}
