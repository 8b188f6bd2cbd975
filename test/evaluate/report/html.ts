import type { Report } from '../evaluate.ts';
import type { Picture } from '../facts.ts';
import { curvePicture } from './curve-picture.ts';
import { storyPicture } from './story-picture.ts';
import { escapeXml } from './svg.ts';
import type { Table } from './tables.ts';

const STYLE = `
body { font: 15px/1.45 system-ui, sans-serif; color: #222; max-width: 1000px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; margin: .6em 0 1.6em; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .15em .7em; border-bottom: 1px solid #ddd }
th:first-child, td:first-child { text-align: left }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(280px, 1fr)); gap: .6em }
figure { margin: 1.4em 0 } figcaption { color: #444 }`;

/** The report as one page that needs nothing else: no script, no file, no network. */
export function htmlOf(title: string, intro: readonly string[], tables: readonly Table[], { stories }: Report): string {
  const curves =
    stories === undefined
      ? ''
      : `<h2>Recall over intensity</h2>${CURVE_NOTE}<div class="curves">${stories.curves.map(curvePicture).join('\n')}</div>`;
  const pictures = stories === undefined ? '' : `<h2>Pictures</h2>${stories.pictures.map(figure).join('\n')}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeXml(title)}</title><style>${STYLE}</style></head><body>
<h1>${escapeXml(title)}</h1>
${intro.map((text) => `<p>${escapeXml(text)}</p>`).join('\n')}
${curves}
${tables.map(section).join('\n')}
${pictures}
</body></html>
`;
}

const CURVE_NOTE =
  '<p>Blue: at one false alarm in 1,000 quiet identity-days. Red, dashed: at the shipped budget. The dotted line is 0.98.</p>';

function section({ title, note, head, rows }: Table): string {
  const cells = (list: readonly string[], name: 'th' | 'td'): string =>
    `<tr>${list.map((cell) => `<${name}>${escapeXml(cell)}</${name}>`).join('')}</tr>`;
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
