import { type Curve, type Point as Measured, SEEN } from '../metrics/recall.ts';
import { element, label, type Point, pathOf, scale, svg } from './svg.ts';

const WIDTH = 280;
const HEIGHT = 180;
const LEFT = 34;
const RIGHT = WIDTH - 12;
const TOP = 26;
const BOTTOM = HEIGHT - 28;
const COLOUR = { level: '#1f5f99', budget: '#b3261e' } as const;

/** Recall over intensity: at one false alarm in a thousand (blue) and at the shipped budget (red). */
export function curvePicture({ story, points }: Curve): string {
  const x = scale([0, 1], [LEFT, RIGHT]);
  const y = scale([0, 1], [BOTTOM, TOP]);
  const line = (colour: string, recallOf: (point: Measured) => number, dashed: boolean): string[] => {
    const path = points.map((point): Point => [x(point.intensity), y(recallOf(point))]);
    const dash: Record<string, string> = dashed ? { 'stroke-dasharray': '4 3' } : {};
    return [
      element('path', { d: pathOf(path), fill: 'none', stroke: colour, 'stroke-width': '1.6', ...dash }),
      // A ring around a dot: where both recalls are the same, both are seen.
      ...path.map(([cx, cy]) =>
        element('circle', dashed ? { cx, cy, r: 4, fill: 'none', stroke: colour } : { cx, cy, r: 2.5, fill: colour }),
      ),
    ];
  };
  return svg(WIDTH, HEIGHT, `recall of ${story} over intensity`, [
    label(LEFT, 16, story, { 'font-size': 12, fill: '#222' }),
    ...[0, 0.5, 1].map((value) => label(LEFT - 6, y(value) + 4, String(value), { 'text-anchor': 'end' })),
    ...[0, 0.2, 0.4, 0.6, 0.8, 1].map((value) =>
      label(x(value), HEIGHT - 10, String(value), { 'text-anchor': 'middle' }),
    ),
    element('path', { d: `M${LEFT} ${y(SEEN)}L${RIGHT} ${y(SEEN)}`, stroke: '#bbb', 'stroke-dasharray': '2 2' }),
    element('path', { d: `M${LEFT} ${TOP}L${LEFT} ${BOTTOM}L${RIGHT} ${BOTTOM}`, fill: 'none', stroke: '#999' }),
    ...line(COLOUR.level, ({ level }) => level.recall, false),
    ...line(COLOUR.budget, ({ budget }) => budget.recall, true),
  ]);
}
