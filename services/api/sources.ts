import type { Advice, FormatView, OriginView, SourcesAnswer, SourceView } from '../../schemas/api/sources.ts';
import { MISSING, type Missing } from '../../schemas/api/sources.ts';
import type { Counted, OriginRow } from '../platform/store.ts';
import { defined } from './defined.ts';
import type { Ports } from './ports.ts';

/** Origins that are told of, those with most events. */
const ORIGINS_MAX = 100;
const DAY_MS = 86_400_000;

type Asked = {
  readonly clock: Pick<Ports['clock'], 'now'>;
  readonly log: Pick<Ports['log'], 'counters'>;
  readonly store: Pick<Ports['store'], 'readOrigins'>;
};

/** What arrives, from where, in which format, what becomes of it, and what it lacks. */
export async function sourcesOf({ clock, log, store }: Asked, days: number): Promise<SourcesAnswer> {
  const now = clock.now();
  const [counters, found] = await Promise.all([log.counters(), store.readOrigins(now - days * DAY_MS, ORIGINS_MAX)]);
  const origins = found.items.map(originView);
  return {
    now,
    sources: sourceViews(counters),
    formats: formatViews(counters),
    resolved: resolvedBy(counters),
    waiting: Math.max(0, (counters.get('ingest.held') ?? 0) - (counters.get('ingest.settled') ?? 0)),
    days,
    origins,
    origins_omitted: found.next !== undefined,
    advice: origins.flatMap(adviceFor),
  };
}

type Counters = ReadonlyMap<string, number>;

/** Sums, reasons and formats that stand under one name. */
type Group = {
  readonly sums: Map<string, number>;
  readonly reasons: Map<string, number>;
  readonly formats: Map<string, number>;
};

const SUMS = ['received', 'accepted', 'settled', 'absorbed', 'held', 'dead_lettered'] as const;
/** `<name>.received`, `<name>.dead.<reason>` or `<name>.format.<format>`; the name itself may have dots. */
const COUNTER = new RegExp(`^(.+)\\.(?:(${SUMS.join('|')})|dead\\.(\\w+)|format\\.(\\w+))$`);

function grouped(counters: Counters, prefix: string): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const [counter, value] of counters) {
    if (!counter.startsWith(prefix)) continue;
    const [, name, sum, reason, format] = COUNTER.exec(counter.slice(prefix.length)) ?? [];
    if (name === undefined) continue;
    const group = groups.get(name) ?? { sums: new Map(), reasons: new Map(), formats: new Map() };
    groups.set(name, group);
    if (sum !== undefined) group.sums.set(sum, value);
    else if (reason !== undefined) group.reasons.set(reason, value);
    else if (format !== undefined) group.formats.set(format, value);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function becameOf({ sums, reasons }: Group): Omit<FormatView, 'format' | 'received'> {
  const sum = (name: (typeof SUMS)[number]): number => sums.get(name) ?? 0;
  return {
    // What was settled later counts as accepted, too, where a recording names its source.
    accepted: Math.max(0, sum('accepted') - sum('settled')),
    absorbed: sum('absorbed'),
    held: sum('held'),
    dead_lettered: sum('dead_lettered'),
    dead_letter_reasons: Object.fromEntries(reasons),
  };
}

function sourceViews(counters: Counters): SourceView[] {
  return [...grouped(counters, 'ingest.source.')].map(([name, group]) => {
    const received = group.sums.get('received') ?? 0;
    return { ...nameOf(name), received, ...becameOf(group), formats: Object.fromEntries(group.formats) };
  });
}

/** No topic has a slash in its name: what has one did not come by a topic. */
function nameOf(name: string): Pick<SourceView, 'source' | 'kind'> {
  if (!name.startsWith('/')) return { source: name, kind: 'topic' };
  const source = name.slice(1);
  return { source, kind: source === 'replay' ? 'replay' : 'submitted' };
}

function formatViews(counters: Counters): FormatView[] {
  return [...grouped(counters, 'ingest.format.')].map(([format, group]) => {
    const became = becameOf(group);
    const { accepted, absorbed, held, dead_lettered } = became;
    return { format, received: accepted + absorbed + held + dead_lettered, ...became };
  });
}

const SETTLED = 'ingest.settled.';

/** What was accepted and had not been held had its identity with it. */
function resolvedBy(counters: Counters): Record<string, number> {
  const ways = [...counters]
    .filter(([name]) => name.startsWith(SETTLED))
    .map(([name, count]) => [name.slice(SETTLED.length), count] as const);
  const settled = ways.reduce((sum, [, count]) => sum + count, 0);
  return { own: Math.max(0, (counters.get('ingest.accepted') ?? 0) - settled), ...Object.fromEntries(ways) };
}

function originView({
  dead_letters,
  last_event,
  last_stored,
  last_dead_letter,
  missing,
  ...row
}: OriginRow): OriginView {
  return {
    ...row,
    missing: { ...missing },
    dead_lettered: dead_letters.reduce((sum: number, { count }: Counted) => sum + count, 0),
    dead_letter_reasons: Object.fromEntries(dead_letters.map(({ name, count }) => [name, count])),
    ...defined({ last_event, last_stored, last_dead_letter }),
  };
}

/** What a smaller share of the events lacks is no matter of how a source is set up. */
const SHARE_MIN = 0.05;

function adviceFor({ origin, events, missing }: OriginView): Advice[] {
  if (events === 0) return [];
  return MISSING.map((what) => ({
    origin,
    missing: what,
    share: (missing[what] ?? 0) / events,
    ...REMEDIES[what],
  })).filter(({ share }) => share >= SHARE_MIN);
}

/** What detection cannot do without it, and where to get it from; docs/sources/ says how for each format. */
const REMEDIES: { readonly [M in Missing]: Pick<Advice, 'effect' | 'remedy'> } = {
  identity: {
    effect: 'nobody knows who acted: events share the identity unresolved:<workload>',
    remedy:
      'let the source send an agent id (gen_ai.agent.id, client.id), or name where it stands under ingest.identity',
  },
  agent: {
    effect: 'identities are people, services or keys, and several agents may hide behind one',
    remedy: 'let the source send the id of the agent itself, or its kind',
  },
  volume: {
    effect: 'no sizes are known, so that data that leaves is not seen by its amount',
    remedy:
      'switch on the capture of arguments and results at the source (they are measured and dropped), or let it send their sizes',
  },
  resource: {
    effect: 'nobody knows what was touched, so that sweeps and first touches are not seen',
    remedy:
      'switch on the capture of arguments at the source, or name the arguments that are targets in the tool catalogue',
  },
  session: {
    effect: 'events are grouped by pauses alone, and one odd task is harder to tell from others',
    remedy: 'let the source send a conversation or session id (gen_ai.conversation.id)',
  },
  credential: {
    effect: 'a key that is used by somebody else is not noticed',
    remedy: 'let the source or the gateway send the id of the key or token, never the secret',
  },
  peer_group: {
    effect: 'a new identity has nobody to be compared with, and learns alone for days',
    remedy:
      'name the job that identities share (identity.peer_group), or where it stands under ingest.identity.peer_group',
  },
};
