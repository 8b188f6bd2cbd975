/** Little pieces of SVG 1.1: text in, text out. */

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '?');

const coordinate = (value: number): string => String(Math.round(value * 10) / 10);

export type Point = readonly [x: number, y: number];

export function pathOf(points: readonly Point[]): string {
  return points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${coordinate(x)} ${coordinate(y)}`).join('');
}

export function element(name: string, attributes: Readonly<Record<string, string | number>>, inner = ''): string {
  const given = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === 'number' ? coordinate(value) : escapeXml(value)}"`,
  );
  return inner === '' ? `<${name}${given.join('')}/>` : `<${name}${given.join('')}>${inner}</${name}>`;
}

export function label(
  x: number,
  y: number,
  text: string,
  more: Readonly<Record<string, string | number>> = {},
): string {
  return element('text', { x, y, 'font-size': 11, fill: '#444', ...more }, escapeXml(text));
}

/** A linear scale from values to pixels. */
export function scale(from: Point, to: Point): (value: number) => number {
  const width = from[1] - from[0];
  return (value) => to[0] + (width === 0 ? 0 : ((value - from[0]) / width) * (to[1] - to[0]));
}

export function svg(width: number, height: number, title: string, inner: readonly string[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'font-family': 'system-ui, sans-serif',
  };
  return element('svg', attributes, `<title>${escapeXml(title)}</title>${inner.join('')}`);
}
