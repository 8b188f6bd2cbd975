import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { FIELD_TABLES } from '../../services/ingest/field-tables.ts';
import { FORMATS, normalisersOf } from '../../services/ingest/formats.ts';

const PAGES = new URL('../../docs/sources/', import.meta.url);
const SECTIONS = ['Fields', 'Example', 'Switching it on', 'What it cannot tell'];
const HEADER = '| Source | Becomes |';

const read = (name: string): string => readFileSync(new URL(name, PAGES), 'utf8');
const pages = readdirSync(PAGES).filter((name) => name.endsWith('.md') && name !== 'README.md');
/** `claude_code` is told of in claude-code.md. */
const pageOf = (format: string): string => `${format.replaceAll('_', '-')}.md`;

/** A cell as it reads: without the marks of code, and without the backslash before a bar. */
const plain = (cell: string): string => cell.replaceAll('`', '').replaceAll('\\|', '|').trim();

/** The rows of all field tables of a page, as `source -> becomes`, sorted; undefined when it has no such table. */
function rowsOf(markdown: string): readonly string[] | undefined {
  const tables = markdown.split(HEADER).slice(1);
  if (tables.length === 0) return undefined;
  return tables.flatMap((rest) => tableRows(rest.trimStart().split('\n').slice(1))).sort();
}

function tableRows(lines: readonly string[]): string[] {
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(0, end < 0 ? lines.length : end).map((line) => {
    const cells = line.split(/(?<!\\)\|/).slice(1, -1);
    assert.equal(cells.length, 2, `not two cells: ${line}`);
    return cells.map(plain).join(' -> ');
  });
}

/** Headings with something written under them. */
function sectionsOf(markdown: string): string[] {
  const prose = markdown.replace(/```[\s\S]*?```/g, 'code');
  return prose
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const [heading = '', ...body] = section.split('\n');
      return body.join('').trim() === '' ? [] : [heading];
    });
}

describe('docs/sources', () => {
  for (const table of FIELD_TABLES) {
    test(`${pageOf(table.format)} has the fields of the code, and no other`, () => {
      const rows = table.rows.map(({ from, to }) => `${plain(from)} -> ${plain(to)}`);
      assert.equal(new Set(rows).size, rows.length, 'a row stands twice in the code');
      assert.deepEqual(rowsOf(read(pageOf(table.format))), rows.sort());
    });
  }

  for (const page of pages) {
    test(`${page} has every section`, () => {
      const sections = sectionsOf(read(page));
      assert.deepEqual(
        SECTIONS.filter((section) => !sections.includes(section)),
        [],
      );
    });
  }

  test('every page with a table of fields is that of a format', () => {
    const known = new Set(FIELD_TABLES.map(({ format }) => pageOf(format)));
    assert.deepEqual(
      pages.filter((page) => rowsOf(read(page)) !== undefined && !known.has(page)),
      [],
    );
  });

  test('every format that is built in has a page, and is counted under its own name', () => {
    const built_in = FORMATS.filter((name) => !['auto', 'canonical', 'mapped'].includes(name));
    for (const name of built_in) {
      for (const { format } of normalisersOf(name, [])) {
        assert.ok(name === format || name.startsWith(`${format}_`), `${name} is counted as ${format}`);
        assert.ok(pages.includes(pageOf(format)), format);
      }
    }
  });

  test('every page is in the index', () => {
    const linked = [...read('README.md').matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, name]) => name);
    assert.deepEqual(linked.sort(), [...pages].sort());
  });

  test('tables and sections are read as written', () => {
    const page = [HEADER, '| --- | --- |', '| `a.b` | tool.name |', '| `x\\|y` | dropped |', '', '| c | d |'].join(
      '\n',
    );
    assert.deepEqual(rowsOf(page), ['a.b -> tool.name', 'x|y -> dropped']);
    assert.equal(rowsOf('| c | d |'), undefined);
    assert.deepEqual(sectionsOf('# T\n## A\n\ntext\n## B\n\n## C\n```\nx\n```\n'), ['A', 'C']);
  });
});
