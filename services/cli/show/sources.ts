import {
  type Advice,
  MISSING,
  type Missing,
  type OriginView,
  type SourcesAnswer,
} from '../../../schemas/api/sources.ts';
import { counted, minute, printable, type Terminal, thousands } from '../terminal.ts';
import { fact, heading } from './words.ts';

/** What arrives, and what would make more of it. */
export function showSources(terminal: Terminal, answer: SourcesAnswer): void {
  const { sources, formats, origins } = answer;
  if (sources.length === 0 && origins.length === 0) {
    terminal.line('Nothing has arrived yet.');
    return;
  }
  terminal.line(terminal.style('bold', 'Received, since the log was made'));
  showReceived(
    terminal,
    'source',
    sources.map((one) => ({ name: sourceName(one), ...one })),
  );
  terminal.line();
  showReceived(
    terminal,
    'format',
    formats.map((one) => ({ name: one.format, ...one })),
  );
  showReasons(terminal, sources);
  showResolved(terminal, answer);
  if (origins.length > 0) showOrigins(terminal, answer);
}

type Received = Pick<
  SourcesAnswer['sources'][number],
  'received' | 'accepted' | 'absorbed' | 'held' | 'dead_lettered'
> & {
  readonly name: string;
  readonly formats?: Readonly<Record<string, number>>;
};

const KINDS = { topic: 'topic', submitted: 'HTTP', replay: 'files' } as const;

const sourceName = ({ source, kind }: SourcesAnswer['sources'][number]): string =>
  kind === 'replay' ? KINDS.replay : `${KINDS[kind]} ${printable(source, 60)}`;

function showReceived(terminal: Terminal, first: string, rows: readonly Received[]): void {
  const with_formats = rows.some(({ formats }) => formats !== undefined);
  const head = [first.padEnd(NAME_CHARS), 'received', 'accepted', 'absorbed', '  waited', 'dead-lettered'];
  terminal.table(
    with_formats ? [...head, 'formats'] : head,
    rows.map(({ name, received, accepted, absorbed, held, dead_lettered, formats }) => [
      name,
      number(received),
      number(accepted),
      number(absorbed),
      number(held),
      dead_lettered === 0 ? number(0, 13) : terminal.style('yellow', number(dead_lettered, 13)),
      ...(formats === undefined ? [] : [ranked(formats)]),
    ]),
    with_formats ? { flexible: head.length } : {},
  );
}

const NAME_CHARS = 24;
const number = (count: number, width = 8): string => (count === 0 ? '-' : thousands(count)).padStart(width);

/** `mcp 12, none 1`, the most first. */
const ranked = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${printable(name)} ${thousands(count)}`)
    .join(', ');

function showReasons(terminal: Terminal, sources: SourcesAnswer['sources']): void {
  const refused = sources.filter(({ dead_lettered }) => dead_lettered > 0);
  if (refused.length === 0) return;
  heading(terminal, 'Why items were refused');
  for (const one of refused) terminal.paragraph(`${sourceName(one)}: ${ranked(one.dead_letter_reasons)}`, 2);
}

/** How events came by their identity or their answer. */
const WAYS: ReadonlyMap<string, string> = new Map([
  ['own', 'said itself'],
  ['binding_conversation', 'conversation'],
  ['binding_instance', 'instance'],
  ['ancestor', 'trace'],
  ['response', 'response'],
  ['no_response', 'no response'],
  ['unresolved', 'unresolved'],
]);

function showResolved(terminal: Terminal, { resolved, waiting }: SourcesAnswer): void {
  const ways = Object.entries(resolved).filter(([, count]) => count > 0);
  const all = ways.reduce((sum, [, count]) => sum + count, 0);
  if (all + waiting === 0) return;
  heading(terminal, 'Whose the accepted events are');
  for (const [way, count] of ways) {
    fact(terminal, WAYS.get(way) ?? printable(way), `${counted(count, 'event')}, ${percent(count / all)}`);
  }
  if (waiting > 0) fact(terminal, 'waiting', counted(waiting, 'event'));
}

function showOrigins(terminal: Terminal, { origins, origins_omitted, days, advice }: SourcesAnswer): void {
  heading(terminal, `Stored within ${counted(days, 'day')}, by origin`);
  terminal.table(
    [
      'origin'.padEnd(NAME_CHARS),
      '  events',
      'identities',
      'unresolved',
      'last event (UTC)',
      'last stored',
      'dead-lettered',
    ],
    origins.map((one) => [
      originName(one),
      number(one.events),
      number(one.identities, 10),
      one.unresolved_identities === 0 ? number(0, 10) : terminal.style('yellow', number(one.unresolved_identities, 10)),
      one.last_event === undefined ? '-' : minute(one.last_event),
      one.last_stored === undefined ? '-' : minute(one.last_stored),
      number(one.dead_lettered, 13),
    ]),
  );
  if (origins_omitted) terminal.line('  and others with fewer events');
  const seen = origins.filter(({ events }) => events > 0);
  if (seen.length > 0) showMissing(terminal, seen);
  if (advice.length > 0) showAdvice(terminal, advice);
}

const originName = ({ origin }: Pick<OriginView, 'origin'>): string => printable(origin, 60);

const LABELS: { readonly [M in Missing]: string } = {
  identity: 'identity',
  agent: 'agent id',
  volume: 'sizes',
  resource: 'target',
  session: 'session',
  credential: 'credential',
  peer_group: 'peer group',
};

function showMissing(terminal: Terminal, origins: readonly OriginView[]): void {
  heading(terminal, 'What events lack, as a share of them');
  terminal.table(
    ['origin'.padEnd(NAME_CHARS), ...MISSING.map((what) => LABELS[what].padStart(8))],
    origins.map((one) => [
      originName(one),
      ...MISSING.map((what) => percent(one.missing[what] / one.events).padStart(Math.max(8, LABELS[what].length))),
    ]),
  );
}

/** One paragraph for what is missing, whichever origins lack it. */
function showAdvice(terminal: Terminal, advice: readonly Advice[]): void {
  heading(terminal, 'What would help');
  for (const [missing, of] of Map.groupBy(advice, (one) => one.missing)) {
    const [{ effect, remedy } = { effect: '', remedy: '' }] = of;
    const where = of
      .slice(0, ORIGINS_NAMED)
      .map(({ origin, share }) => `${printable(origin, 40)} ${percent(share)}`)
      .join(', ');
    const more = of.length > ORIGINS_NAMED ? `, and ${of.length - ORIGINS_NAMED} more` : '';
    terminal.line(`  ${terminal.style('yellow', `No ${LABELS[missing]}`)} (${where}${more})`);
    terminal.paragraph(`Without it ${effect}.`, 4);
    terminal.paragraph(`Remedy: ${remedy}.`, 4);
  }
}

const ORIGINS_NAMED = 4;

/** Nothing and everything are told apart from almost nothing and almost everything. */
function percent(share: number): string {
  if (share <= 0) return '-';
  if (share >= 1) return '100 %';
  if (share < 0.01) return '< 1 %';
  return `${share > 0.99 ? '> 99' : Math.round(share * 100)} %`;
}
