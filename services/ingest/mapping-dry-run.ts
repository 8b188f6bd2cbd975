import type { DeadLetter } from '../../schemas/dead-letter.ts';
import { CANONICAL_FIELDS, type MappingFile } from '../../schemas/mapping.ts';
import { type Catalogue, emptyCatalogue } from './catalogue.ts';
import type { FileProblem } from './config-file.ts';
import { type DecideContext, type Decided, decideItem, type Item } from './core.ts';
import { decodeDocument } from './decode.ts';
import { loadMapping } from './load.ts';
import type { Mapping } from './mapping.ts';
import { compileRule, type FieldReader, type RuleObject } from './mapping-rule.ts';
import { excerpt } from './refusal.ts';
import { NO_SUMS, type Sums, tally } from './tally.ts';
import { findLeftovers } from './unmapped.ts';

/** A count of something the mapping leaves open, with one value as an example, safe to print. */
export type Open = { readonly name: string; readonly items: number; readonly example: string };

/** What a mapping would make of some items. Nothing is written anywhere. */
export type MappingReport = {
  /** What is wrong with the file; when anything is, no item was tried. */
  readonly problems: readonly FileProblem[];
  readonly sums: Sums;
  readonly reasons: readonly { readonly reason: DeadLetter['reason']; readonly items: number }[];
  /** The first items, each as the event or the dead letter that it becomes. */
  readonly samples: readonly { readonly position: string; readonly decided: Decided }[];
  /** Items that `match` would not give to this mapping, by what speaks against it. */
  readonly mismatched: readonly Open[];
  /** Source fields that nothing maps, most frequent first. */
  readonly unmapped: readonly Open[];
  /** Words of the source for closed fields that neither the map nor the canonical list knows: they become `unknown`. */
  readonly unlisted: readonly Open[];
};

const NAMES_MAX = 100;

/**
 * Dry run of a mapping file (`countersign map test`). Pure: the same text and items give the same report. Samples are
 * limited to `samples_max`; counts are over all items.
 */
export function testMapping(
  text: string,
  file: string,
  items: Iterable<Item>,
  options: { readonly samples_max: number; readonly catalogue?: Catalogue },
): MappingReport {
  const loaded = loadMapping(text, file);
  if (!loaded.ok) return { ...EMPTY_REPORT, problems: loaded.problems };
  const mapping = loaded.value;
  const context = contextFor(mapping, options.catalogue ?? emptyCatalogue());
  const notices = createNotices(mapping);
  const all: Decided[] = [];
  const samples: { position: string; decided: Decided }[] = [];
  for (const item of items) {
    notices.look(item);
    for (const decided of decideItem(item, context)) {
      all.push(decided);
      if (samples.length < options.samples_max) samples.push({ position: item.position, decided });
    }
  }
  const { sums, reasons } = tally(all);
  return {
    problems: [],
    sums,
    reasons: [...reasons].map(([reason, count]) => ({ reason, items: count })),
    samples,
    ...notices.report(),
  };
}

const EMPTY_REPORT: MappingReport = {
  problems: [],
  sums: NO_SUMS,
  reasons: [],
  samples: [],
  mismatched: [],
  unmapped: [],
  unlisted: [],
};

function contextFor(mapping: Mapping, catalogue: Catalogue): DecideContext {
  return { formats: [mapping], catalogue, origin: mapping.file.origin, tenant: 'default', now_ms: 0 };
}

type Notices = {
  look(item: Item): void;
  report(): Pick<MappingReport, 'mismatched' | 'unmapped' | 'unlisted'>;
};

/** Counts what a run of the mapping would pass over in silence. */
function createNotices(mapping: Mapping): Notices {
  const mismatched = createCounts();
  const unmapped = createCounts();
  const unlisted = createCounts();
  const closed = closedFields(mapping.file);
  return {
    look(item) {
      const decoded = item.broken === undefined ? decodeDocument(item.bytes) : undefined;
      if (decoded?.kind !== 'document') return;
      const { document } = decoded;
      const mismatch = mapping.mismatch(document);
      if (mismatch !== undefined) mismatched.add(mismatch, item.position);
      const fields = findLeftovers(document, mapping.known)?.fields ?? [];
      const named = new Map(fields.map(([path, value]) => [path.replaceAll(/\[\d+\]/g, '[*]'), value]));
      for (const [path, value] of named) unmapped.add(path, value);
      for (const { field, read, words } of closed) {
        const word = read(document, document);
        if (word === undefined || typeof word === 'object' || words.has(String(word).toLowerCase())) continue;
        unlisted.add(`${field}: ${excerpt(word)}`, word);
      }
    },
    report: () => ({ mismatched: mismatched.list(), unmapped: unmapped.list(), unlisted: unlisted.list() }),
  };
}

type ClosedField = { readonly field: string; readonly read: FieldReader; readonly words: ReadonlySet<string> };

/** The fields with a closed list of words whose rule has no answer of its own to an unknown one. */
function closedFields(file: MappingFile): ClosedField[] {
  return Object.entries(file.fields).flatMap(([field, rule]) => {
    const target = CANONICAL_FIELDS.get(field);
    const { map, default: fallback, ...source }: RuleObject = typeof rule === 'string' ? { path: rule } : rule;
    if (target?.words === undefined || fallback !== undefined || source.const !== undefined) return [];
    const table = map ?? (field === 'action.operation' ? file.operation : undefined) ?? {};
    const words = new Set([...Object.keys(table), ...target.words].map((word) => word.toLowerCase()));
    return [{ field, read: compileRule(source, field, { type: 'string', words: undefined }, {}), words }];
  });
}

type Counts = { add(name: string, example: unknown): void; list(): Open[] };

/** Bounded: a source with ever new names does not grow the report without end. */
function createCounts(): Counts {
  const counts = new Map<string, { items: number; readonly example: string }>();
  return {
    add(name, example) {
      const known = counts.get(name);
      if (known !== undefined) known.items++;
      else if (counts.size < NAMES_MAX) counts.set(name, { items: 1, example: excerpt(example) });
    },
    list: () => [...counts].map(([name, count]) => ({ name, ...count })).sort((a, b) => b.items - a.items),
  };
}
