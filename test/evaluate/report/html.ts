import type { Report } from '../evaluate.ts';
import type { Picture } from '../facts.ts';
import { curvePicture } from './curve-picture.ts';
import { storyPicture } from './story-picture.ts';
import { escapeXml } from './svg.ts';
import type { Table } from './tables.ts';

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1000px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: .6em 0 1.6em; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .15em .9em .15em 0; border-bottom: 1px solid #ddd; vertical-align: top }
th.number, td.number { text-align: right; white-space: nowrap }
th:last-child, td:last-child { padding-right: 0 }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: .6em }
figure { margin: 1.4em 0 } figcaption { color: #444 }`;

/** The report as one page that needs nothing else: no script, no file, no network. */
export function htmlOf(title: string, intro: readonly string[], tables: readonly Table[], { stories }: Report): string {
  const curves =
    stories === undefined
      ? ''
      : `<h2>Recall over intensity</h2>${CURVE_NOTE}<div class="curves">${stories.curves.map(curvePicture).join('\n')}</div>`;
  const pictures =
    stories === undefined ? '' : `<h2>Pictures</h2>${PICTURE_NOTE}${stories.pictures.map(figure).join('\n')}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeXml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeXml(title)}</h1>
${intro.map((text) => `<p>${escapeXml(text)}</p>`).join('\n')}
${tables.slice(0, 1).map(section).join('\n')}
${curves}
${tables.slice(1).map(section).join('\n')}
${pictures}
</body></html>
`;
}

const CURVE_NOTE =
  '<p>Blue dots: at one false alarm in 1,000 quiet identity-days. Red rings, dashed: at the shipped budget. The dotted line is 0.98.</p>';
const PICTURE_NOTE =
  '<p>Each story once, on its main identity. Shaded is the span of the story, red of an attack and green of a look-alike. ' +
  'A filled mark is an alert that rests on the story, a hollow one any other alert on that identity. Days are UTC.</p>';
/** A column of figures: shares, counts, pairs of them, and what stands in brackets behind. */
const FIGURE = /^(none|[-+\d.,]+)?( \/ [\d.,]+)?( \([\d.,]+\))?$/;

function section({ title, note, head, rows }: Table): string {
  const figures = head.map((_, column) => column > 0 && rows.every((row) => FIGURE.test(row[column] ?? '')));
  const classOf = (column: number): string => (figures[column] === true ? ' class="number"' : '');
  const cells = (list: readonly string[], name: 'th' | 'td'): string =>
    `<tr>${list.map((cell, i) => `<${name}${classOf(i)}>${escapeXml(cell)}</${name}>`).join('')}</tr>`;
  const body = rows.map((row) => cells(row, 'td')).join('\n');
  return `<h2>${escapeXml(title)}</h2><p>${escapeXml(note)}</p><table>${cells(head, 'th')}\n${body}</table>`;
}

function figure(picture: Picture): string {
  const { story, intensity, description, alerts } = picture;
  const own = alerts.find((alert) => alert.own);
  const told = own === undefined ? 'No alert rests on it.' : `First alert: ${own.sentence}`;
  const caption = `${description}. ${told}`;
  return `<figure><h3>${escapeXml(story)}, intensity ${intensity}</h3>${storyPicture(picture)}<figcaption>${escapeXml(caption)}</figcaption></figure>`;
}
