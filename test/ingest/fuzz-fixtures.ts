import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decideItem } from '../../services/ingest/core.ts';
import { FORMATS, type Format, normalisersOf } from '../../services/ingest/formats.ts';
import { toProto } from '../support/otlp-proto.ts';
import { context } from './support.ts';

/** A document of a format as a source writes it. */
export type Fixture = { readonly name: string; readonly format: Format; readonly bytes: Buffer };

const FIXTURES = new URL('./fixtures/', import.meta.url);
const PAGES = new URL('../../docs/sources/', import.meta.url);
const RECORDED = new URL('../../../shared/data/', import.meta.url);
/** Of recorded streams so many documents are enough: they are mutated, not replayed. */
const RECORDED_MAX = 40;
const RECORDED_BYTES_MAX = 64 * 1024;

/** All there is: files, examples of the documentation, and recorded data where it lies beside the checkout. */
export function allFixtures(): readonly Fixture[] {
  const found = [...ownFixtures(), ...examples(), ...recorded()];
  return found.flatMap((fixture) => [fixture, ...inProtobuf(fixture)]);
}

function ownFixtures(): Fixture[] {
  const folders = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: format }) => {
    const folder = new URL(`${format}/`, FIXTURES);
    return readdirSync(folder).flatMap((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const documents = file.endsWith('.ndjson') ? text.trimEnd().split('\n') : [text];
      return documents.map((document, line) => fixtureOf(`${format}/${file}:${line + 1}`, format, document));
    });
  });
}

/** The JSON of the pages about formats, but for what configures a source. */
function examples(): Fixture[] {
  const pages = readdirSync(PAGES).filter((page) => page.endsWith('.md') && page !== 'README.md');
  return pages.flatMap((page) => {
    const text = readFileSync(new URL(page, PAGES), 'utf8');
    const blocks = [...text.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, block]) => inRequest(block ?? ''));
    const found = blocks.map((block, index) => fixtureOf(`${page}[${index}]`, page.replace('.md', ''), block));
    return found.filter(isTaken);
  });
}

/** Pages show single log records and spans. */
function inRequest(block: string): string {
  const shown = parsed(Buffer.from(block));
  if (shown === undefined || !Array.isArray(shown.attributes)) return block;
  return JSON.stringify(
    'startTimeUnixNano' in shown
      ? { resourceSpans: [{ scopeSpans: [{ spans: [shown] }] }] }
      : { resourceLogs: [{ scopeLogs: [{ logRecords: [shown] }] }] },
  );
}

function isTaken({ format, bytes }: Fixture): boolean {
  const decided = decideItem({ bytes, position: '' }, context({ formats: normalisersOf(format, []) }));
  return decided.some(({ kind }) => kind !== 'dead_letter');
}

function recorded(): Fixture[] {
  const stream = new URL('agent-traces/dev.otlp.ndjson.gz', RECORDED);
  const traces = existsSync(stream)
    ? sampleOf(gunzipSync(readFileSync(stream)).toString('utf8').trimEnd().split('\n'))
    : [];
  return [
    ...traces.map((line, index) => fixtureOf(`recorded traces ${index}`, 'otlp', line)),
    ...recordedFiles(new URL('cloudtrail/', RECORDED)).map(([name, text]) => fixtureOf(name, 'cloudtrail', text)),
  ];
}

function recordedFiles(folder: URL): [string, string][] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return sampleOf(names.toSorted())
    .map((name): [string, string] => [name, readFileSync(new URL(name, folder), 'utf8')])
    .filter(([, text]) => text.length <= RECORDED_BYTES_MAX);
}

/** Spread evenly over the whole. */
function sampleOf(all: readonly string[]): readonly string[] {
  const step = Math.max(1, Math.floor(all.length / RECORDED_MAX));
  return all.filter((_, index) => index % step === 0).slice(0, RECORDED_MAX);
}

function fixtureOf(name: string, format: string, text: string): Fixture {
  const known = FORMATS.find((one) => one === format);
  return { name, format: known ?? 'otlp', bytes: Buffer.from(text) };
}

function inProtobuf({ name, format, bytes }: Fixture): Fixture[] {
  const request = format === 'otlp' ? parsed(bytes) : undefined;
  if (request === undefined) return [];
  return [{ name: `${name} as protobuf`, format: 'otlp_proto', bytes: toProto(request) }];
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}
