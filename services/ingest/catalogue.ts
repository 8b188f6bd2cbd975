import type { CatalogueEntry, CatalogueFile } from '../../schemas/catalogue.ts';
import type { EventInput, Operation, Resource } from '../../schemas/event.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { exceedsDepth } from './decode.ts';
import { isAbsent, type Path, parsePath, readEvery, type Step } from './paths.ts';
import { operationOf } from './verbs.ts';

/** What is known of a tool before any event: from its entry if it has one, else from its name. */
type ToolKnowledge = { readonly entry: CompiledEntry | undefined; readonly inferred: Operation };
type CompiledEntry = CatalogueEntry & {
  /** Place in the file: the first entry that fits counts. */
  readonly rank: number;
  readonly fits: (tool: string, server: string | undefined) => boolean;
  readonly readers: readonly { readonly steps: readonly Step[]; readonly rest: Omit<Resource, 'id'> }[];
};

export type Catalogue = {
  readonly entries: readonly CompiledEntry[];
  /** Entries that name one tool, by that name, so that a long catalogue is not walked for every new name. */
  readonly exact: ReadonlyMap<string, CompiledEntry>;
  readonly patterns: readonly CompiledEntry[];
  /** Whether any entry looks at the server, so that tools of one name may differ. */
  readonly by_server: boolean;
  /** Answers given before, bounded: names come from agents. */
  readonly memory: Map<string, ToolKnowledge>;
};

/** What the catalogue adds to one event. */
export type Consulted = {
  readonly operation: Operation;
  readonly server: string | undefined;
  readonly resources: readonly Resource[];
};

/** Compiles a checked catalogue. Paths were checked, and names found to be distinct, when the file was read. */
export function compileCatalogue(file: CatalogueFile): Catalogue {
  const entries = file.tools.map(compileEntry);
  return {
    entries,
    exact: new Map(entries.filter((entry) => !isPattern(entry)).map((entry) => [entry.tool, entry])),
    patterns: entries.filter(isPattern),
    by_server: entries.some((entry) => entry.tool.includes('/')),
    memory: new Map(),
  };
}

export const emptyCatalogue = (): Catalogue => compileCatalogue({ version: 1, tools: [] });

const isPattern = (entry: CatalogueEntry): boolean => entry.tool.includes('*');

function compileEntry(entry: CatalogueEntry, rank: number): CompiledEntry {
  const with_server = entry.tool.includes('/');
  const pieces = entry.tool.split('*');
  const readers = (entry.resources ?? []).map(({ argument, ...rest }) => {
    return { steps: (parsePath(argument) as Path).steps, rest };
  });
  const fits = (tool: string, server: string | undefined): boolean =>
    matchesPieces(with_server ? `${server ?? ''}/${tool}` : tool, pieces);
  return { ...entry, rank, fits, readers };
}

/** The first entry of the file that fits: by exact name, with or without its server, or the first pattern before it. */
function entryOf(catalogue: Catalogue, tool: string, server: string | undefined): CompiledEntry | undefined {
  const named = [catalogue.exact.get(tool), catalogue.exact.get(`${server ?? ''}/${tool}`)]
    .filter((entry) => entry !== undefined)
    .sort((a, b) => a.rank - b.rank)[0];
  const before = named?.rank ?? catalogue.entries.length;
  return catalogue.patterns.find((entry) => entry.rank < before && entry.fits(tool, server)) ?? named;
}

/** Matches literal pieces with anything between them, in one pass: an agent's tool name cannot make it slow. */
export function matchesPieces(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] as string;
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) as string;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, from);
    if (found === -1) return false;
    from = found + piece.length;
  }
  return from <= text.length - last.length;
}

/** The arguments of a tool call, and the targets among them by their names. */
type Call = { readonly tool_arguments: unknown; readonly targets?: readonly Resource[] | undefined };

/** Operation, server and resources of an event, as far as event, catalogue and the tool's name tell. */
export function consult(catalogue: Catalogue, input: EventInput, call: Call): Consulted {
  const tool = input.tool?.name ?? input.action?.name;
  const known = tool === undefined ? NOTHING_KNOWN : knowledgeOf(catalogue, tool, input.tool?.server);
  const stated = input.action?.operation ?? 'unknown';
  return {
    operation: known.entry?.operation ?? (stated === 'unknown' ? known.inferred : stated),
    server: input.tool?.server ?? known.entry?.server,
    resources: resourcesOf(input, known.entry, call),
  };
}

const NOTHING_KNOWN: ToolKnowledge = { entry: undefined, inferred: 'unknown' };

function knowledgeOf(catalogue: Catalogue, tool: string, server: string | undefined): ToolKnowledge {
  const name = catalogue.by_server ? `${server ?? ''}/${tool}` : tool;
  const remembered = catalogue.memory.get(name);
  if (remembered !== undefined) return remembered;
  const entry = entryOf(catalogue, tool, server);
  const knowledge: ToolKnowledge = { entry, inferred: operationOf(tool) };
  if (name.length > 2 * LIMITS.name_chars_max) return knowledge;
  if (catalogue.memory.size >= LIMITS.tool_memory_max) catalogue.memory.clear();
  catalogue.memory.set(name, knowledge);
  return knowledge;
}

const NO_RESOURCES: readonly Resource[] = [];

function resourcesOf(input: EventInput, entry: CompiledEntry | undefined, call: Call): readonly Resource[] {
  const stated = statedResources(input);
  const found = stated.length === 0 ? namedResources(entry, call) : stated;
  const classification = entry?.classification;
  if (classification === undefined) return found;
  return found.map((resource) => (resource.classification === undefined ? { ...resource, classification } : resource));
}

/** An entry that says which arguments name resources, if only that none does, stands above the vocabulary. */
function namedResources(entry: CompiledEntry | undefined, { tool_arguments, targets }: Call): readonly Resource[] {
  return entry?.resources === undefined ? (targets ?? NO_RESOURCES) : fromArguments(entry, tool_arguments);
}

/** The primary resource first, and once, even when the list names it again. */
function statedResources(input: EventInput): readonly Resource[] {
  const { resource, resources } = input;
  if (resource === undefined) return resources ?? NO_RESOURCES;
  if (resources === undefined) return [resource];
  return [resource, ...resources.filter((other) => other.id !== resource.id || other.store !== resource.store)];
}

function fromArguments(entry: CompiledEntry, tool_arguments: unknown): readonly Resource[] {
  if (entry.readers.length === 0 || isAbsent(tool_arguments)) return NO_RESOURCES;
  const document = typeof tool_arguments === 'string' ? parseArguments(tool_arguments) : tool_arguments;
  return entry.readers.flatMap(({ steps, rest }) =>
    readEvery(document, steps, LIMITS.resources_per_event_max + 1)
      .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
      .filter((value) => (typeof value === 'string' && value !== '') || typeof value === 'number')
      .map((value) => ({ id: String(value), ...rest })),
  );
}

/** Arguments often come as JSON inside JSON; text that is none names no resource. */
function parseArguments(text: string): unknown {
  if (!text.startsWith('{') || exceedsDepth(text, LIMITS.item_depth_max)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
