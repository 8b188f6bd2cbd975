import type { Table } from './tables.ts';

export function markdownOf(title: string, intro: readonly string[], tables: readonly Table[]): string {
  const parts = [`# ${title}`, ...intro, ...tables.map(section)];
  return `${parts.join('\n\n')}\n`;
}

function section({ title, note, head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  const table = [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
  return `## ${title}\n\n${note}\n\n${table}`;
}

const escaped = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('\n', ' ');
