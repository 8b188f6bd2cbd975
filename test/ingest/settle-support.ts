import type { CanonicalEvent } from '../../schemas/event.ts';
import type { Settled, SpanLink, SpanRecord, Waiting } from '../../schemas/span.ts';
import { unresolvedId } from '../../schemas/span.ts';
import type { Alias } from '../../services/ingest/settle/alias.ts';
import type { Way } from '../../services/ingest/settle/fill.ts';
import { type SettleRule, settleRule } from '../../services/ingest/settle/rule.ts';
import type { Eviction, SettleSink } from '../../services/ingest/settle/settler.ts';
import { MINUTE_MS } from './support.ts';

export const rule = (more: Partial<SettleRule> = {}): SettleRule => settleRule(10 * MINUTE_MS, more);

export const spanLink = (trace: string, span: string, parent?: string, more: Partial<SpanLink> = {}): SpanLink => ({
  kind: 'span',
  trace_id: trace,
  span_id: span,
  ...(parent === undefined ? {} : { parent_span_id: parent }),
  workload: 'shop/till',
  ...more,
});

export const whose = (id: string, more: Partial<Settled> = {}): Settled => ({
  identity: { id, kind: 'agent' },
  ...more,
});

type Content = NonNullable<Waiting['event']>['content'];

export const content = (id: string, more: Partial<Content> = {}): Content => ({
  id,
  origin: 'test',
  tenant: 'default',
  time: 1_000,
  identity: { id: unresolvedId('shop/till'), kind: 'unknown' },
  action: { operation: 'read' },
  resources: [],
  volume: {},
  outcome: { status: 'ok' },
  tool: { name: 'look' },
  ...more,
});

/** A tool span that does not say whose it is. */
export const waits = (link: Waiting['link'], more: Partial<Content> = {}): Waiting => ({
  tenant: 'default',
  time: 1_000,
  link,
  awaits: 'identity',
  event: { content: content(link.kind === 'span' ? `${link.trace_id}-${link.span_id}` : link.call, more) },
});

/** A span that is no event. */
export const tells = (link: Waiting['link'], settled?: Settled): Waiting => ({
  tenant: 'default',
  time: 1_000,
  link,
  ...(settled === undefined ? {} : { settled }),
});

export const call = (name: string, side: 'request' | 'response', time = 1_000): Waiting => ({
  tenant: 'default',
  time,
  link: { kind: 'call', call: name, side },
  ...(side === 'request'
    ? { awaits: 'response', event: { content: content(`${name}-${time}`, { time, outcome: { status: 'unknown' } }) } }
    : { completion: { outcome: { status: 'ok', code: String(time) }, volume: { bytes_out: 7 } } }),
});

export const recordOf = (waiting: Waiting, at?: number, source?: string): SpanRecord => ({
  type: 'waiting',
  ...(at === undefined ? {} : { at }),
  ...(source === undefined ? {} : { source }),
  ...waiting,
});

export type Told = {
  readonly events: { id: string; identity: string; way: Way; at: number; event: CanonicalEvent }[];
  readonly aliases: (Alias & { at: number })[];
  readonly evicted: Eviction[];
  reused: number;
};

/** Remembers what it is told. */
export function listener(): { readonly told: Told; readonly sink: SettleSink } {
  const told: Told = { events: [], aliases: [], evicted: [], reused: 0 };
  return {
    told,
    sink: {
      event: ({ event, way, at }) =>
        void told.events.push({ id: event.id, identity: event.identity.id, way, at, event }),
      alias: (alias, at) => void told.aliases.push({ ...structuredClone(alias), at }),
      evicted: (what) => void told.evicted.push(what),
      reused: () => void told.reused++,
    },
  };
}
