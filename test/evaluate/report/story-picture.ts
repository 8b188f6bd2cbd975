import { UNITS } from '../../../schemas/limits.ts';
import type { Hour, Picture, Threshold } from '../facts.ts';
import { element, label, type Point, pathOf, scale, svg } from './svg.ts';

const { HOUR_MS, DAY_MS } = UNITS;
const WIDTH = 900;
const HEIGHT = 330;
const LEFT = 60;
const RIGHT = WIDTH - 12;
const BYTES = { top: 26, bottom: 150 } as const;
const BITS = { top: 178, bottom: 302 } as const;
const COLOUR = {
  observed: '#1f5f99',
  usual: '#8a8a8a',
  high: '#e3e3e3',
  story: '#f7d9d3',
  look_alike: '#dcebd7',
  alert: '#b3261e',
};

type Across = (time_ms: number) => number;

/**
 * One story on its identity: bytes per hour against what like hours held before, and the strongest score of each hour
 * against the alert threshold; the story's span shaded, alerts marked.
 */
export function storyPicture(picture: Picture): string {
  const { hours, from_ms, span, kind } = picture;
  const to_ms = from_ms + hours.length * HOUR_MS;
  const x = scale([from_ms, to_ms], [LEFT, RIGHT]);
  const shade = kind === 'attack' ? COLOUR.story : COLOUR.look_alike;
  const left = x(Math.max(from_ms, span.from_ms));
  const width = Math.max(2, x(Math.min(to_ms, span.to_ms)) - left);
  return svg(WIDTH, HEIGHT, `${picture.story} on ${picture.identity}`, [
    element('rect', { x: left, y: BYTES.top, width, height: BITS.bottom - BYTES.top, fill: shade }),
    ...bytesPanel(hours, from_ms, x),
    ...bitsPanel(picture, x),
    ...picture.alerts.map(({ time_ms, own }) => alertMark(x(time_ms), own)),
    ...days(from_ms, to_ms, x),
  ]);
}

const UNIT_NAMES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
/** `100 B`, `1 kB`, `10 kB`: a power of ten. */
const powerName = (power: number): string => `${10 ** (power % 3)} ${UNIT_NAMES[Math.floor(power / 3)] ?? ''}`;
/** More of them are told on an axis than there is room for. */
const POWERS_TOLD_MAX = 5;
const magnitude = (bytes: number): number => Math.log10(1 + bytes);

/** From which power of ten on hours differ, and the greatest: an hour without bytes stands on the axis. */
function magnitudes(hours: readonly Hour[]): { readonly least: number; readonly most: number } {
  const known = hours.flatMap(({ bytes, usual, high }) => [bytes, usual, high]).filter((bytes) => bytes > 0);
  const logs = known.map(magnitude);
  const most = Math.max(4, ...logs);
  return { least: Math.max(0, Math.floor(Math.min(most - 1, ...logs) - 0.2)), most: most + 0.05 };
}

function bytesPanel(hours: readonly Hour[], from_ms: number, x: Across): string[] {
  const { least, most } = magnitudes(hours);
  const y = scale([least, most], [BYTES.bottom, BYTES.top]);
  const line = (valueAt: (hour: Hour) => number): string =>
    pathOf(steps(hours, from_ms, x, (one) => y(Math.max(least, magnitude(valueAt(one))))));
  const powers = Array.from({ length: Math.floor(most) - least }, (_, i) => least + 1 + i);
  const every = Math.ceil(powers.length / POWERS_TOLD_MAX);
  const end = x(from_ms + hours.length * HOUR_MS);
  const area = `${line((hour) => hour.high)}L${end} ${BYTES.bottom}L${LEFT} ${BYTES.bottom}Z`;
  return [
    label(
      LEFT,
      16,
      'bytes out per hour, logarithmic: observed (blue); usual in like hours (grey line) and their 95th percentile (grey area)',
    ),
    ...powers.filter((_, i) => i % every === 0).map((power) => tick(y(power), powerName(power))),
    element('path', { d: area, fill: COLOUR.high, 'fill-opacity': '0.7' }),
    element('path', { d: line((hour) => hour.usual), fill: 'none', stroke: COLOUR.usual }),
    element('path', { d: line((hour) => hour.bytes), fill: 'none', stroke: COLOUR.observed, 'stroke-width': '1.2' }),
    axis(BYTES.bottom),
  ];
}

function bitsPanel({ hours, from_ms, thresholds }: Picture, x: Across): string[] {
  const to_ms = from_ms + hours.length * HOUR_MS;
  const limits = withinSpan(thresholds, from_ms, to_ms);
  const most = Math.max(10, ...hours.map(({ bits }) => bits), ...limits.map(({ bits }) => bits)) * 1.08;
  const y = scale([0, most], [BITS.bottom, BITS.top]);
  const stems = hours.flatMap(({ bits }, i) => {
    const at = x(from_ms + (i + 0.5) * HOUR_MS);
    return bits > 0
      ? [
          `${pathOf([
            [at, y(0)],
            [at, y(bits)],
          ])}`,
        ]
      : [];
  });
  const limit = limits.flatMap(({ from_ms: since, bits }, i): Point[] => [
    [x(since), y(bits)],
    [x(limits[i + 1]?.from_ms ?? to_ms), y(bits)],
  ]);
  return [
    label(LEFT, BITS.top - 8, 'strongest score of each hour, in bits (blue), against the alert threshold (red)'),
    ...bitTicks(most).map((bits) => tick(y(bits), String(bits))),
    element('path', { d: stems.join(''), fill: 'none', stroke: COLOUR.observed }),
    element('path', { d: pathOf(limit), fill: 'none', stroke: COLOUR.alert, 'stroke-dasharray': '4 2' }),
    axis(BITS.bottom),
  ];
}

/** Some three to six of them, however far the scores reach. */
function bitTicks(most: number): number[] {
  const step = [5, 10, 20, 50, 100, 200, 500].find((one) => most / one <= 6) ?? 1000;
  return Array.from({ length: Math.floor(most / step) }, (_, i) => (i + 1) * step);
}

/** The thresholds of a span of time, the one that stood at its beginning first. */
function withinSpan(thresholds: readonly Threshold[], from_ms: number, to_ms: number): Threshold[] {
  const before = thresholds.findLast((one) => one.from_ms <= from_ms);
  const during = thresholds.filter((one) => one.from_ms > from_ms && one.from_ms < to_ms);
  return [...(before === undefined ? [] : [{ ...before, from_ms }]), ...during];
}

function steps(hours: readonly Hour[], from_ms: number, x: Across, y: (hour: Hour) => number): Point[] {
  return hours.flatMap((hour, i): Point[] => [
    [x(from_ms + i * HOUR_MS), y(hour)],
    [x(from_ms + (i + 1) * HOUR_MS), y(hour)],
  ]);
}

/** A filled mark for an alert that rests on the story, a hollow one for any other. */
function alertMark(x: number, own: boolean): string {
  const top = BITS.top - 4;
  const d = `M${x - 5} ${top}L${x + 5} ${top}L${x} ${top + 9}Z`;
  return [
    element('path', {
      d: `M${x} ${BYTES.top}L${x} ${BITS.bottom}`,
      stroke: COLOUR.alert,
      'stroke-width': own ? '1' : '0.4',
    }),
    element('path', { d, fill: own ? COLOUR.alert : '#fff', stroke: COLOUR.alert }),
  ].join('');
}

function days(from_ms: number, to_ms: number, x: Across): string[] {
  const count = Math.ceil((to_ms - from_ms) / DAY_MS);
  const every = Math.max(1, Math.ceil(count / 10));
  const marks: string[] = [];
  for (let at = Math.ceil(from_ms / DAY_MS) * DAY_MS, i = 0; at < to_ms; at += DAY_MS, i++) {
    if (i % every === 0)
      marks.push(label(x(at), HEIGHT - 12, dayName(at), { 'text-anchor': x(at) < LEFT + 40 ? 'start' : 'middle' }));
  }
  return marks;
}

/** `Mon 03-09`, UTC. */
function dayName(time_ms: number): string {
  const name = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][new Date(time_ms).getUTCDay()] ?? '';
  return `${name} ${new Date(time_ms).toISOString().slice(5, 10)}`;
}

const axis = (y: number): string => element('path', { d: `M${LEFT} ${y}L${RIGHT} ${y}`, stroke: '#999' });

function tick(y: number, text: string): string {
  return (
    element('path', { d: `M${LEFT} ${y}L${RIGHT} ${y}`, stroke: '#eee' }) +
    label(LEFT - 6, y + 4, text, { 'text-anchor': 'end' })
  );
}
