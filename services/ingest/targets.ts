import type { Resource } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';

/**
 * What a tool call was aimed at, judged by the names of its arguments, for tools that no catalogue names. A target is
 * metadata, as the address on a letter is: the short name of a thing, never text that somebody wrote. Listed in
 * docs/sources/genai.md.
 *
 * A word stands for itself, for its plural, and for every name that ends with it (`file`, `files`, `source_file`).
 */
export const TARGET_WORDS = {
  file: 'file filename filepath path pathname directory dir folder attachment spreadsheet workbook notebook',
  url: 'url uri link href endpoint website webhook',
  host: 'host hostname domain ip node',
  recipient: 'recipient receiver to cc bcc payee beneficiary addressee destination dest target',
  sender: 'sender from source src origin',
  email: 'email mailbox',
  user: 'user username member participant attendee invitee assignee contact person login principal',
  phone: 'phone msisdn',
  account: 'account iban wallet',
  channel: 'channel room thread chat group team workspace topic queue stream',
  store: 'bucket container database db schema table collection index dataset keyspace namespace drive share site vault',
  repository: 'repository repo',
  branch: 'branch',
  project: 'project',
  package: 'package image',
  service: 'cluster pod service instance vm pipeline deployment environment device machine',
  role: 'role policy arn',
  party: 'customer client tenant owner organization organisation org company vendor supplier merchant employee patient',
  object: 'product sku order invoice ticket issue pull ticker symbol calendar',
  place: 'city country region zone airport address',
} as const;

/** Endings that make the name of a thing of the word before them: `order_id`, `hotelName`, `object_key`. */
const TARGET_ENDINGS = 'id uuid guid slug name key';
/** `order_number`: an ending only after a word of the list. */
const NUMBER = 'number';

/** A name with one of these words is never a target. */
const SECRET_WORDS =
  'password passwd passphrase secret token credential cookie authorization bearer otp pin cvv ssn card';
/** Words before an ending that make something else of it: parts of a person's name, keys of ciphers, ids of one moment. */
const NO_THING_WORDS =
  'first last middle given family full display nick api access private public encryption primary foreign sort request response trace span correlation idempotency session run call';
/** A name that ends with one of these is text that somebody wrote, whatever it looks like. */
export const TEXT_WORDS =
  'body content message prompt subject description text query note comment summary title instruction question answer reason caption html markdown script command sql code data value';

const wordSet = (words: string): ReadonlySet<string> => new Set(words.split(' '));
const KIND_OF_WORD: ReadonlyMap<string, string> = new Map(
  Object.entries(TARGET_WORDS).flatMap(([kind, words]) =>
    words.split(' ').map((word): [string, string] => [word, kind]),
  ),
);
const ENDINGS = wordSet(TARGET_ENDINGS);
const SECRET = wordSet(SECRET_WORDS);
const NO_THING = wordSet(NO_THING_WORDS);
const TEXT = wordSet(TEXT_WORDS);

/**
 * What the values under a name are: of a kind, a target only when they look like an address, or never one. `numbers`:
 * numbers are names there, elsewhere a position or an amount. `bare`: the value says by itself what it is.
 */
type Verdict = { readonly kind: string; readonly numbers: boolean; readonly bare: boolean } | 'by_form' | 'never';

const NAME_CHARS_MAX = 64;
/** Longer values are no names of things; of those that are not an address or a path even less. */
const VALUE_CHARS_MAX = 512;
const NAME_OF_THING_CHARS_MAX = 128;
/** Values looked at in one call's arguments, and levels. */
const VALUES_MAX = 1_024;
const DEPTH_MAX = 6;

/** Answers given before, bounded: names come from agents. */
const verdicts = new Map<string, Verdict>();

function verdictOn(name: string): Verdict {
  const known = verdicts.get(name);
  if (known !== undefined) return known;
  const verdict = name.length > NAME_CHARS_MAX ? 'never' : judge(wordsOf(name));
  if (name.length > NAME_CHARS_MAX) return verdict;
  if (verdicts.size >= LIMITS.tool_memory_max) verdicts.clear();
  verdicts.set(name, verdict);
  return verdict;
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .map(singular);
}

function singular(word: string): string {
  if (KIND_OF_WORD.has(word) || ENDINGS.has(word) || word.length < 3) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:sses|xes|ches|shes)$/.test(word)) return word.slice(0, -2);
  return /[^su]s$/.test(word) ? word.slice(0, -1) : word;
}

function judge(words: readonly string[]): Verdict {
  const last = words.at(-1);
  if (last === undefined || words.some((word) => SECRET.has(word))) return 'never';
  const before = words.at(-2);
  const group = KIND_OF_WORD.get(last);
  if (group !== undefined) return { kind: kindOf(last), numbers: NUMBERED.has(group), bare: BARE.has(group) };
  if (last !== NUMBER && !ENDINGS.has(last)) return TEXT.has(last) ? 'never' : 'by_form';
  if (before === undefined) return ALONE.has(last) ? { kind: last, numbers: true, bare: false } : 'never';
  if (NO_THING.has(before) || (last === NUMBER && !KIND_OF_WORD.has(before))) return 'never';
  const kind = kindOf(before);
  return { kind, numbers: true, bare: last === 'name' && BARE.has(kind) };
}

/** One word for all that mean the same thing, so that it is the same target under each of them; else the word itself. */
function kindOf(word: string): string {
  const group = KIND_OF_WORD.get(word);
  return group !== undefined && SYNONYMS.has(group) ? group : word;
}

const SYNONYMS = wordSet('file url host recipient sender email user phone account channel repository');
const NUMBERED = wordSet('phone account object');
const BARE = wordSet('file host');
/** Endings that stand alone. A key that says nothing else of itself may be one that opens something. */
const ALONE = wordSet('id uuid guid slug name');

type Walk = { values: number; readonly found: Resource[]; readonly seen: Set<string> };

/**
 * The targets among the arguments of a tool call, each once, in their order; one more than an event may have, so that the
 * cut shows. Never a throw, whatever the arguments are.
 */
export function targetsIn(tool_arguments: unknown): readonly Resource[] {
  if (typeof tool_arguments !== 'object' || tool_arguments === null) return NONE;
  const walk: Walk = { values: VALUES_MAX, found: [], seen: new Set() };
  walkValue(tool_arguments, 'never', 0, walk);
  return walk.found;
}

const NONE: readonly Resource[] = [];

function walkValue(value: unknown, verdict: Verdict, depth: number, walk: Walk): void {
  if (--walk.values < 0 || walk.found.length > LIMITS.resources_per_event_max) return;
  if (typeof value === 'string') {
    for (const target of targetsOf(value.trim(), verdict)) add(target, walk);
    return;
  }
  if (typeof value === 'number') {
    if (typeof verdict === 'object' && verdict.numbers)
      add({ id: `${verdict.kind}:${value}`, kind: verdict.kind }, walk);
    return;
  }
  if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return;
  if (Array.isArray(value)) {
    for (const element of value as unknown[]) {
      if (walk.values <= 0) return;
      walkValue(element, verdict, depth + 1, walk);
    }
    return;
  }
  for (const name in value) {
    if (walk.values <= 0) return;
    walkValue((value as Readonly<Record<string, unknown>>)[name], verdictOn(name), depth + 1, walk);
  }
}

const MAIL_ADDRESS = /^(?:[^<>]{0,128}<)?([^\s<>@,;:/]{1,128}@[^\s<>@,;]{1,255})>?$/;
/** `from` and `to` are also the ends of a time. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]|$)/;
/** `user:password@` before a host. */
const LOGIN = /^[^\s/@]{0,128}:[^\s/@]{0,128}@/;
const WITH_SCHEME = /^[a-z][a-z0-9+.-]{1,20}:\/\/\S+$/i;

function targetsOf(text: string, verdict: Verdict): readonly Resource[] {
  if (verdict === 'never' || text === '' || text.length > VALUE_CHARS_MAX || /[\r\n]/.test(text)) return NONE;
  if (WITH_SCHEME.test(text)) return [{ id: bareUrl(text), kind: 'url' }];
  const addresses = text.includes('@') ? addressesIn(text) : undefined;
  if (addresses !== undefined) return addresses;
  if (verdict === 'by_form' || DATE.test(text)) return NONE;
  const { kind, bare } = verdict;
  const id = text.replace(LOGIN, '');
  if (id === '') return NONE;
  if (kind === 'url') return [{ id: bareUrl(id), kind }];
  if (bare) return [{ id, kind }];
  return id.length > NAME_OF_THING_CHARS_MAX ? NONE : [{ id: `${kind}:${id}`, kind }];
}

/** One mail address, or several with commas between them; undefined when the text is something else. */
function addressesIn(text: string): Resource[] | undefined {
  const addresses: Resource[] = [];
  for (const part of text.split(/[,;]/, LIMITS.resources_per_event_max + 1)) {
    const address = MAIL_ADDRESS.exec(part.trim())?.[1];
    if (address === undefined) return undefined;
    addresses.push({ id: address.toLowerCase(), kind: 'email' });
  }
  return addresses;
}

/** A URL without what may be a secret or a text: user and password, query, fragment. */
export function bareUrl(url: string): string {
  const cut = url.search(/[?#]/);
  const whole = cut === -1 ? url : url.slice(0, cut);
  const host = whole.indexOf('://') + '://'.length;
  if (host < '://'.length) return whole === '' ? url.slice(0, 1) : whole;
  const path = whole.indexOf('/', host);
  const at = whole.lastIndexOf('@', path === -1 ? whole.length : path);
  return at < host ? whole : whole.slice(0, host) + whole.slice(at + 1);
}

function add(resource: Resource, walk: Walk): void {
  if (walk.seen.has(resource.id) || walk.found.length > LIMITS.resources_per_event_max) return;
  walk.seen.add(resource.id);
  walk.found.push(resource);
}
