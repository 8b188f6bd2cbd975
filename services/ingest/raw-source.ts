import { TOPICS, type Topic } from '../platform/event-log.ts';
import { type Format, normalisersOf } from './formats.ts';
import type { Mapping } from './mapping.ts';
import type { Normaliser } from './normaliser.ts';
import { DEFAULT_SETTINGS, type IngestSettings } from './settings.ts';

/** A topic that sources write, and how to read it. */
export type RawSource = {
  /** `TOPICS.raw`, or `source:<name>` for a topic of the cluster that others own. */
  readonly topic: Topic;
  readonly format: Format;
  /** The mapping to read it with, by the name in its file; absent: whichever fits. */
  readonly mapping?: string | undefined;
  /** Named source of the items, part of every event's key; the topic's name when absent. */
  readonly origin?: string | undefined;
  /** Tenant of events that state none; `default` when absent. */
  readonly tenant?: string | undefined;
  /** The topic holds a recording, which keeps its own clock. */
  readonly recorded?: boolean | undefined;
};

/** A source made ready: the normalisers to try, and everything that was left out. */
export type ReadySource = {
  readonly topic: Topic;
  readonly format: Format;
  readonly formats: readonly Normaliser[];
  readonly origin: string;
  readonly tenant: string;
  readonly recorded: boolean;
};

/** `field` is the path within the list of sources. */
export type SourceProblem = { readonly field: readonly (string | number)[]; readonly message: string };
export type ReadySources =
  | { readonly ok: true; readonly sources: readonly ReadySource[] }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] };

/** Looks the mappings up and refuses what contradicts itself, all problems at once. */
export function readySources(
  sources: readonly RawSource[],
  mappings: readonly Mapping[],
  settings: IngestSettings = DEFAULT_SETTINGS,
): ReadySources {
  const problems: SourceProblem[] = [];
  const ready = sources.map((source, index): ReadySource => {
    const problem = problemOf(source, sources.slice(0, index), mappings);
    if (problem !== undefined) problems.push({ field: [index, problem.field], message: problem.message });
    const named = mappings.filter(({ file }) => file.name === source.mapping);
    return {
      topic: source.topic,
      format: source.format,
      formats: problem === undefined ? normalisersOf(source.format, named.length > 0 ? named : mappings, settings) : [],
      origin: source.origin ?? topicName(source.topic),
      tenant: source.tenant ?? 'default',
      recorded: source.recorded ?? false,
    };
  });
  return problems.length === 0 ? { ok: true, sources: ready } : { ok: false, problems };
}

type Problem = { readonly field: keyof RawSource; readonly message: string };

const OURS: ReadonlySet<string> = new Set(Object.values(TOPICS).filter((topic) => topic !== TOPICS.raw));

function problemOf(source: RawSource, before: readonly RawSource[], mappings: readonly Mapping[]): Problem | undefined {
  const { topic, format, mapping } = source;
  if (OURS.has(topicName(topic))) {
    return {
      field: 'topic',
      message: `${topicName(topic)} is written by Countersign itself; name a topic of a source`,
    };
  }
  if (before.some((other) => other.topic === topic)) {
    return { field: 'topic', message: `${topicName(topic)} is listed already; keep one of the two` };
  }
  if (mapping !== undefined && format === 'canonical') {
    return { field: 'mapping', message: `format canonical uses no mapping; set format to auto or mapped` };
  }
  if (mapping !== undefined && !mappings.some(({ file }) => file.name === mapping)) {
    const names = mappings.map(({ file }) => file.name).join(', ');
    return { field: 'mapping', message: `no mapping is called ${mapping}; there is ${names === '' ? 'none' : names}` };
  }
  if (format === 'mapped' && mappings.length === 0) {
    return { field: 'format', message: 'mapped needs a mapping; add its file, or set format to auto or canonical' };
  }
  return undefined;
}

/** The name of a topic without the mark of foreign ones. */
export function topicName(topic: Topic): string {
  return topic.startsWith('source:') ? topic.slice('source:'.length) : topic;
}
