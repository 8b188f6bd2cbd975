import type { ServerResponse } from 'node:http';
import type { Alert, Severity } from '../../schemas/alert.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { toOcsf } from '../../schemas/ocsf/to-ocsf.ts';
import type { Access, Caller } from './authentication.ts';
import { defined } from './defined.ts';
import { refuse, refuseAs } from './errors.ts';
import type { FeedPage } from './ports.ts';
import type { Context } from './route.ts';

type Query = {
  readonly tenant?: string | undefined;
  readonly status?: Alert['status'] | undefined;
  readonly severity_min?: Severity | undefined;
  readonly identity?: string | undefined;
  readonly format: 'native' | 'ocsf';
  readonly from: 'now' | 'start';
  readonly cursor?: string | undefined;
};

type AskedStream = {
  readonly query: Query;
  readonly context: Context;
  readonly request: { readonly headers: { readonly [name: string]: string | string[] | undefined } };
  readonly reply: { readonly raw: ServerResponse; hijack(): unknown; getHeaders(): Record<string, unknown> };
};

/** Why a stream ended: its client went, the service stops, it was too slow, its key lost the right, the feed broke. */
type Ending = 'gone' | 'closing' | 'slow' | 'access' | 'feed';

/**
 * Alert revisions as server-sent events (HTML Living Standard, section 9.2). The id of an event is the cursor after it, so
 * Last-Event-ID goes on exactly there. The next page is read when the client has taken the one before: what a slow client
 * costs is one page, and for so long only.
 */
export async function streamAlerts(asked: AskedStream, caller: Caller, access: Access): Promise<unknown> {
  const { query, context, reply } = asked;
  const { feed, clock, telemetry } = context.ports;
  const release = context.streams.take();
  if (release === undefined) return refuse('too_busy', { retry_after_s: 5, remedy: 'close other streams, or pull' });
  const gone = new AbortController();
  const over = AbortSignal.any([context.closing, gone.signal]);
  reply.raw.once('close', () => {
    gone.abort();
    release();
  });
  const resumed = asked.request.headers['last-event-id'];
  const start = typeof resumed === 'string' && resumed !== '' ? resumed : query.cursor;
  const cursor = start ?? (query.from === 'now' ? await feed.end() : undefined);
  const { tenant, status, severity_min, identity } = query;
  const filter = defined({ tenant, status, severity_min, identity });
  const limit = LIMITS.stream_page_items;
  const first = await feed.read({ limit, filter, ...defined({ cursor }) });
  if (!first.ok) {
    release();
    return refuseAs(first.error.code, first.error.message, { field: 'headers.last-event-id' });
  }

  begin(reply);
  const ending = await forward(first).catch((error: unknown): Ending => {
    // The answer has begun, so the client learns of it by the end of the stream, and resumes.
    telemetry.occurred('requests_failed', { code: 'internal' }, { route: 'stream', error: String(error) });
    return 'feed';
  });
  if (ending !== 'gone') telemetry.occurred('streams_dropped', { reason: ending });
  if (ending === 'slow') reply.raw.destroy();
  else reply.raw.end();
  return undefined;

  async function forward(begun: FeedPage): Promise<Ending> {
    let page = begun;
    while (page.ok) {
      if (gone.signal.aborted) return 'gone';
      if (context.closing.aborted) return 'closing';
      if (!context.stillMay(caller, access)) return 'access';
      const taken = reply.raw.write(textOf(page, query.format)) || (await drained());
      if (!taken && !over.aborted) return 'slow';
      const wait = { ms: LIMITS.stream_heartbeat_ms, clock, signal: over };
      page = await feed.read({ limit, filter, cursor: page.next_cursor, wait });
    }
    return 'feed';
  }

  /** Whether the client took what was written before its time was over. */
  async function drained(): Promise<boolean> {
    const done = new AbortController();
    const taken = new Promise<boolean>((resolve) => {
      reply.raw.once('drain', () => resolve(true));
      over.addEventListener('abort', () => resolve(false), { once: true, signal: done.signal });
    });
    const stalled = clock.sleep(LIMITS.stream_stall_ms, done.signal).then(() => false);
    const first = await Promise.race([taken, stalled]);
    done.abort();
    return first;
  }
}

function begin(reply: AskedStream['reply']): void {
  const { 'content-length': _, ...headers } = reply.getHeaders();
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(headers as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    connection: 'close',
    // Proxies that collect answers would hold alerts back.
    'x-accel-buffering': 'no',
  });
}

/** A page as events, or as a comment that keeps the connection known to be alive. */
function textOf(page: Extract<FeedPage, { ok: true }>, format: Query['format']): string {
  if (page.items.length === 0) return `: alive\nid: ${page.next_cursor}\n\n`;
  return page.items
    .map(({ alert, cursor }) => {
      const data = JSON.stringify(format === 'ocsf' ? toOcsf(alert) : alert);
      return `id: ${cursor}\nevent: alert\ndata: ${data}\n\n`;
    })
    .join('');
}
