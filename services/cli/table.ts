import { stripVTControlCharacters } from 'node:util';
import Table from 'cli-table3';

export type TableOptions = {
  /**
   * The column that gives way where the terminal is narrow: it is wrapped, or, where too little would be left of it, it
   * becomes a line of its own below its row.
   */
  readonly flexible?: number;
};

/** Less than this of the flexible column is not worth a column. */
const FLEXIBLE_MIN = 34;
const COLUMNS_MIN = 40;
const COLUMNS_MAX = 160;
const GAP = 2;

/** Width of a terminal, within bounds; undefined for a file or a pipe. */
export function columnsOf(stream: { readonly isTTY?: boolean; readonly columns?: number }): number | undefined {
  if (stream.isTTY !== true || stream.columns === undefined || stream.columns <= 0) return undefined;
  return Math.min(COLUMNS_MAX, Math.max(COLUMNS_MIN, stream.columns));
}

/** A table without rules, as wide as the terminal at most. Cells are printable and may carry colours. */
export function layOut(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | undefined,
  { flexible }: TableOptions,
): string {
  const widths = head.map((name, index) => Math.max(...[name, ...rows.map((row) => row[index] ?? '')].map(widthOf)));
  const total = widths.reduce((sum, width) => sum + width + GAP, -GAP);
  if (columns === undefined || total <= columns || flexible === undefined) return draw(head, rows, widths);
  const room = columns - (total - (widths[flexible] ?? 0));
  if (room >= FLEXIBLE_MIN) return draw(head, rows, widths.with(flexible, room));
  return drawBelow(head, rows, widths, { flexible, columns });
}

type Cells = ConstructorParameters<typeof Table>[0];

function draw(head: readonly string[], rows: readonly (readonly string[])[], widths: readonly number[]): string {
  const table = new Table({ ...LAYOUT, head: [...head], colWidths: [...widths] });
  for (const row of rows) table.push([...row]);
  return trimmed(table.toString());
}

/** The flexible column stands below the row, from the second column on. */
function drawBelow(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  { flexible, columns }: { readonly flexible: number; readonly columns: number },
): string {
  const others = widths.filter((_, index) => index !== flexible);
  const used = others.reduce((sum, width) => sum + width + GAP, -GAP);
  // The last column takes what is left, so that the line below may use the whole width.
  const stretched = others.with(-1, (others.at(-1) ?? 0) + Math.max(0, columns - used));
  const table = new Table({
    ...LAYOUT,
    head: head.filter((_, index) => index !== flexible),
    colWidths: stretched,
  });
  for (const row of rows) {
    table.push(row.filter((_, index) => index !== flexible));
    table.push(['', { colSpan: others.length - 1, content: row[flexible] ?? '' }]);
  }
  return trimmed(table.toString());
}

const trimmed = (text: string): string => text.replaceAll(/[ \t]+$/gm, '');

/** Columns that a text takes: East Asian wide characters and emoji take two, marks none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of stripVTControlCharacters(text)) {
    if (/\p{M}/u.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

const NOTHING = {
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
  middle: ' '.repeat(GAP),
};

const LAYOUT: Cells = {
  style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  chars: NOTHING,
  wordWrap: true,
  wrapOnWordBoundary: true,
};
