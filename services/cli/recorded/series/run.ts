import { createSeries, learnSeries, type Series, scoreSeries } from '../../../../detectors/volume/series/series.ts';
import type { Recording } from '../../../ingest/source.ts';
import type { Results } from '../backtest-files.ts';
import { readLines } from './lines.ts';
import { type BadRow, readSeriesRow, type SeriesRow } from './row.ts';

/** What became of one file. Times are as the file writes them. */
export type FileSummary = {
  readonly file: string;
  readonly rows: number;
  readonly bad_rows: number;
  readonly bad_row_reasons: Readonly<Record<string, number>>;
  readonly first_timestamp: string | null;
  readonly last_timestamp: string | null;
  readonly highest: Highest | null;
};
type Highest = { readonly timestamp: string; readonly score: number; readonly pattern: string };

export type SeriesSeams = {
  readonly results: Pick<Results, 'scores' | 'letters'>;
  onProgress(progress: { readonly bytes_read: number; readonly rows: number }): void;
  onBad(file: string, row: BadRow): void;
};

/** Scores one file as one series, row by row: each by the rows before it, then learned. */
export async function runSeries(recording: Recording, seams: SeriesSeams): Promise<FileSummary> {
  const { name: file } = recording;
  const series = createSeries();
  const sums = createSums(file);
  const refuse = (row: BadRow): void => {
    const { kind: _, ...told } = row;
    sums.bad(row);
    seams.results.letters.line(JSON.stringify({ file, ...told }));
    seams.onBad(file, row);
  };
  let line = 0;
  let beginning = true;
  for await (const { lines, damage, bytes_read } of readLines(recording)) {
    for (const text of lines) {
      const row = readSeriesRow(++line === 1 ? text.replace(/^\ufeff/, '') : text, line, { beginning });
      if (row.kind !== 'blank') beginning = false;
      if (row.kind === 'bad') refuse(row);
      if (row.kind === 'row') seams.results.scores.line(JSON.stringify({ file, ...sums.row(row, take(series, row)) }));
    }
    if (damage !== undefined) {
      const message = `after line ${line}: ${damage.message}`;
      refuse({ kind: 'bad', line: line + 1, reason: 'file_damaged', message });
    }
    seams.onProgress({ bytes_read, rows: sums.rows });
  }
  return sums.summary();
}

type Row = Extract<SeriesRow, { kind: 'row' }>;
type Taken = { readonly score: number; readonly pattern: string };

function take(series: Series, { at_ms, value }: Row): Taken {
  const assessment = scoreSeries(series, at_ms, value);
  learnSeries(series, assessment);
  return { score: Math.round(assessment.score * 10_000) / 10_000, pattern: assessment.pattern };
}

function createSums(file: string) {
  let rows = 0;
  let [first, last]: (string | null)[] = [null, null];
  let highest: Highest | null = null;
  const reasons: Record<string, number> = {};
  return {
    get rows() {
      return rows;
    },
    bad({ reason }: BadRow): void {
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    },
    /** Counts a row; returns what stands in its line beside the file. */
    row({ timestamp }: Row, { score, pattern }: Taken): { readonly timestamp: string; readonly score: number } {
      rows++;
      first ??= timestamp;
      last = timestamp;
      if (score > (highest?.score ?? 0)) highest = { timestamp, score, pattern };
      return { timestamp, score };
    },
    summary: (): FileSummary => ({
      file,
      rows,
      bad_rows: Object.values(reasons).reduce((a, b) => a + b, 0),
      bad_row_reasons: reasons,
      first_timestamp: first ?? null,
      last_timestamp: last ?? null,
      highest,
    }),
  };
}
