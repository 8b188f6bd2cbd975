import { styleText } from 'node:util';
import Table from 'cli-table3';

/**
 * What a command prints. People get text and tables on standard output and progress on standard error; with `--json`
 * standard output carries NDJSON and nothing else. Text that agents chose is made printable first, so that telemetry
 * cannot move the cursor or forge lines of a terminal.
 */
export type Terminal = {
  readonly json: boolean;
  /** Both streams lead to a person who can see a moving line. */
  readonly interactive: boolean;
  line(text?: string): void;
  /** One line of NDJSON; nothing unless `--json`. */
  record(value: unknown): void;
  table(head: readonly string[], rows: readonly (readonly string[])[], options?: TableOptions): void;
  progress(text: string): void;
  progressDone(): void;
  note(text: string): void;
  style(format: Style, text: string): string;
};

export type TableOptions = { readonly widths?: readonly (number | null)[] };
type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan' | 'magenta';

export function createTerminal(options: { readonly json: boolean }): Terminal {
  const { json } = options;
  const { stdout, stderr } = process;
  const interactive = stdout.isTTY === true && stderr.isTTY === true && !json;
  const coloured = stdout.isTTY === true && process.env.NO_COLOR === undefined;
  const style = (format: Style, text: string): string =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  return {
    json,
    interactive,
    style,
    line(text = '') {
      if (!json) stdout.write(`${text}\n`);
    },
    record(value) {
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
    },
    table(head, rows, { widths } = {}) {
      if (json) return;
      const table = new Table({
        head: head.map((name) => style('dim', name)),
        style: { head: [], border: [], compact: true },
        chars: PLAIN_BORDERS,
        wordWrap: true,
        wrapOnWordBoundary: true,
        ...(widths === undefined ? {} : { colWidths: [...widths] }),
      });
      for (const row of rows) table.push([...row]);
      stdout.write(`${table.toString()}\n`);
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

const PLAIN_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Text from outside, safe for a terminal: control and bidirectional characters become visible escapes. */
export function printable(text: string, most = 200): string {
  const cut = text.length > most ? `${text.slice(0, most - 1)}…` : text;
  return cut.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
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

/** RFC 3339 in UTC, to the second. */
export const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
