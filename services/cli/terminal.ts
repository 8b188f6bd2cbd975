import { styleText } from 'node:util';
import { columnsOf, layOut, type TableOptions } from './table.ts';

export { bytesText, counted, instant, minute, printable, thousands } from '../platform/words.ts';

/**
 * What a command prints. People get text and tables on standard output and progress on standard error; with `--json`
 * standard output carries NDJSON and nothing else. Text that agents chose is made printable first, so that telemetry
 * cannot move the cursor or forge lines of a terminal.
 */
export type Terminal = {
  readonly json: boolean;
  /** Both streams lead to a person who can see a moving line. */
  readonly interactive: boolean;
  /** Width to which text is wrapped; undefined where the output is not a terminal and nobody wants it wrapped. */
  readonly columns: number | undefined;
  line(text?: string): void;
  /** Running text, wrapped to the terminal, each line after so many spaces. */
  paragraph(text: string, indent?: number): void;
  /** One line of NDJSON; nothing unless `--json`. */
  record(value: unknown): void;
  table(head: readonly string[], rows: readonly (readonly string[])[], options?: TableOptions): void;
  progress(text: string): void;
  progressDone(): void;
  /** For people beside the output: on standard error, with `--json` too. */
  note(text: string): void;
  style(format: Style, text: string): string;
};

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan' | 'magenta';

export function createTerminal(options: { readonly json: boolean }): Terminal {
  const { json } = options;
  const { stdout, stderr } = process;
  const interactive = stdout.isTTY === true && stderr.isTTY === true && !json;
  const coloured = stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const style = (format: Style, text: string): string =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  const columns = columnsOf(stdout);
  const line = (text = ''): void => {
    if (!json) stdout.write(`${text}\n`);
  };
  return {
    json,
    interactive,
    columns,
    style,
    line,
    paragraph(text, indent = 0) {
      for (const part of wrap(text, (columns ?? Number.POSITIVE_INFINITY) - indent)) line(' '.repeat(indent) + part);
    },
    record(value) {
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
    },
    table(head, rows, tableOptions = {}) {
      if (json) return;
      const dimmed = head.map((name) => style('dim', name));
      stdout.write(`${layOut(dimmed, rows, columns, tableOptions)}\n`);
    },
    progress(text) {
      if (interactive) stderr.write(`\r\u001b[2K${text}`);
    },
    progressDone() {
      if (interactive) stderr.write('\r\u001b[2K');
    },
    note(text) {
      stderr.write(`${text}\n`);
    },
  };
}

/** Breaks running text at spaces; a word that is longer than a line stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** `[#####.....]  50 %`, or the bytes alone where the size is not known. */
export function progressBar(done: number, total: number | undefined): string {
  if (total === undefined || total <= 0) return `${megabytes(done)} read`;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * 30);
  const percent = Math.floor(share * 100).toString();
  return `[${'#'.repeat(filled)}${'.'.repeat(30 - filled)}] ${percent.padStart(3)} %`;
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
