import { readFileSync } from 'node:fs';
import { type Catalogue, emptyCatalogue } from '../../ingest/catalogue.ts';
import { type FileResult, fileProblemText } from '../../ingest/config-file.ts';
import { FORMATS, type Format } from '../../ingest/formats.ts';
import { loadCatalogue, loadMapping } from '../../ingest/load.ts';
import type { Mapping } from '../../ingest/mapping.ts';
import { createSettings, DEFAULT_SETTINGS, type IngestSettings } from '../../ingest/settings.ts';
import { openRecording, type Recording } from '../../ingest/source.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import { EXIT, Problem } from '../problem.ts';

/** What a command is given to read recorded events: formats, mappings, catalogue. */
export type InputOptions = {
  readonly format?: string;
  readonly mapping?: readonly string[];
  readonly catalogue?: string;
};

export type Inputs = {
  readonly format: Format;
  readonly mappings: readonly Mapping[];
  readonly catalogue: Catalogue;
  readonly settings: IngestSettings;
};

/** An option that may be given several times. Each takes one value, so that the files after it stay files. */
export function gathered(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

/** What the configuration says about all formats. */
export function settingsOf({ config, secrets }: Pick<LoadedConfig, 'config' | 'secrets'>): IngestSettings {
  return createSettings(config.ingest, secrets.ingest_content_hash_key);
}

/** Reads the files that the options name. Throws a Problem that says what is wrong in which line. */
export function readInputs(options: InputOptions, settings: IngestSettings = DEFAULT_SETTINGS): Inputs {
  const mappings = (options.mapping ?? []).map((file) => readOwnFile(file, 'mapping', loadMapping));
  const catalogue =
    options.catalogue === undefined ? emptyCatalogue() : readOwnFile(options.catalogue, 'catalogue', loadCatalogue);
  const format = formatOf(options.format ?? (mappings.length > 0 ? 'mapped' : 'auto'));
  if (format === 'mapped' && mappings.length === 0) {
    throw new Problem('mapping_missing', 'format `mapped` needs --mapping FILE', EXIT.usage);
  }
  return { format, mappings, catalogue, settings };
}

/** Measurements instead of events: no input format of the service, so it stands in no list of formats. */
export const SERIES_FORMAT = 'series';

function formatOf(name: string): Format {
  if (name === SERIES_FORMAT) {
    const message = `format ${SERIES_FORMAT} is for backtest only: its rows are measurements, not events of an identity`;
    throw new Problem('format_not_here', message, EXIT.usage);
  }
  const known = FORMATS.find((format) => format === name);
  if (known === undefined) {
    throw new Problem('format_unknown', `no format is called ${name}; there are ${FORMATS.join(', ')}`, EXIT.usage);
  }
  return known;
}

function readOwnFile<T>(file: string, what: string, load: (text: string, file: string) => FileResult<T>): T {
  const read = load(readText(file, what), file);
  if (read.ok) return read.value;
  throw new Problem(`${what}_invalid`, read.problems.map(fileProblemText).join('\n'), EXIT.usage);
}

/** The text of a file that the user named. */
export function readText(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem(`${what}_unreadable`, `cannot read the ${what} ${file}: ${(error as Error).message}`, EXIT.usage);
  }
}

/** Opens recordings in the given order; their sizes together are known when each is a plain file. */
export async function openRecordings(
  files: readonly string[],
): Promise<{ readonly recordings: Recording[]; readonly size_bytes: number | undefined }> {
  const recordings: Recording[] = [];
  for (const file of files) {
    try {
      const recording = await openRecording(file);
      recordings.push({ ...recording, chunks: readToTheEnd(recording) });
    } catch (error) {
      throw new Problem('recording_unreadable', `cannot read ${file}: ${(error as Error).message}`, EXIT.usage);
    }
  }
  let size_bytes: number | undefined = 0;
  for (const recording of recordings) {
    size_bytes =
      recording.size_bytes === undefined || size_bytes === undefined ? undefined : size_bytes + recording.size_bytes;
  }
  return { recordings, size_bytes };
}

/** A disk or a pipe that fails halfway is nobody's defect: it is told with what can be done. */
async function* readToTheEnd({ name, chunks }: Recording): AsyncGenerator<Buffer> {
  try {
    yield* chunks;
  } catch (error) {
    const message = `reading ${name} failed (${(error as Error).message}): correct that, then run the whole again`;
    throw new Problem('recording_unreadable', message);
  }
}
