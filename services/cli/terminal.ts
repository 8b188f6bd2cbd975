import { styleText } from 'node:util';
import { columnsOf, layOut, type TableOptions } from './table.ts';

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

/** Text from outside, safe for a terminal: control and bidirectional characters become visible escapes. */
export function printable(text: string, most = 200): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut.replace(
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\p{Cs}|[\u{e0000}-\u{e007f}]/gu,
    (c) => {
      const hex = (c.codePointAt(0) ?? 0).toString(16);
      return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
    },
  );
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
export const thousands = (count: number): string => count.toLocaleString('en-US');
/** `1 alert`, `2 alerts`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${thousands(count)} ${count === 1 ? one : many}`;

/** RFC 3339 in UTC, to the second. */
export const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
/** For tables, whose heads say that times are UTC. */
export const minute = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `812 B`, `4.50 MB`: three digits that matter. */
export function bytesText(bytes: number): string {
  let rest = Math.round(bytes);
  let unit = 0;
  while (rest >= 999.5 && unit < BYTE_UNITS.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit === 0 ? rest : rest.toPrecision(3)} ${BYTE_UNITS[unit]}`;
}
