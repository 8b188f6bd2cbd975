import { UNITS } from '../../../schemas/limits.ts';
import type { StoryLabel } from '../../../services/simulate/labels.ts';
import type { Hit, Owner, Peak } from '../facts.ts';
import type { NotedAlert, NotedFinding, Row } from './book.ts';

/** The truth about a story, made ready for questions. */
export type Truth = {
  readonly label: StoryLabel;
  readonly identities: ReadonlySet<string>;
  /** Place of each event in the story, by id. */
  readonly places: ReadonlyMap<string, number>;
};

/** What an attack stirs up may be found until so long after its last event. */
const AFTERMATH_MS = UNITS.DAY_MS;

export function truthOf(label: StoryLabel): Truth {
  return {
    label,
    identities: new Set(label.identities ?? [label.identity]),
    places: new Map(label.event_ids.map((id, place) => [id, place])),
  };
}

/** Place of the first event of the story that the finding rests on. A story without events is found by its time span. */
export function placeOf({ label, places }: Truth, finding: NotedFinding): number | undefined {
  if (label.events === 0) {
    return finding.log_time >= label.first_time && finding.log_time <= label.last_time ? 0 : undefined;
  }
  let first: number | undefined;
  for (const id of finding.ids) {
    const place = places.get(id);
    if (place !== undefined && (first === undefined || place < first)) first = place;
  }
  return first;
}

/** How the story was caught: by the earliest finding, in any alert on its identities, that rests on it. */
export function hitOf(truth: Truth, alerts: Iterable<NotedAlert>): Hit | undefined {
  let best: { readonly finding: NotedFinding; readonly place: number } | undefined;
  for (const alert of alerts) {
    if (!truth.identities.has(alert.identity)) continue;
    for (const finding of alert.findings) {
      const place = placeOf(truth, finding);
      if (place === undefined) continue;
      const order = best === undefined ? -1 : finding.log_time - best.finding.log_time || place - best.place;
      // Of several findings about one event the strongest explains it.
      const stronger = order === 0 && best !== undefined && finding.bits > best.finding.bits;
      if (order < 0 || stronger) best = { finding, place };
    }
  }
  if (best === undefined) return undefined;
  const { finding, place } = best;
  const { family, detector, pattern, bits } = finding;
  const at = truth.label.events === 0 ? finding.log_time : finding.time;
  return { events: place, minutes: minutesSince(truth, at), family, detector, pattern, bits };
}

/** The story's events that outdid all of it before; of one without events, its findings in the span. */
export function peaksOf(truth: Truth, rows: Iterable<Row>, alerts: Iterable<NotedAlert>): Peak[] {
  const scored = truth.label.events === 0 ? foundIn(truth, alerts) : scoredOf(truth, rows);
  const peaks: Peak[] = [];
  let most = 0;
  for (const { place, time, bits } of scored.sort((a, b) => a.place - b.place || a.time - b.time)) {
    if (bits <= most) continue;
    most = bits;
    peaks.push({ events: place, minutes: minutesSince(truth, time), bits });
  }
  return peaks;
}

type Scored = { readonly place: number; readonly time: number; readonly bits: number };

function scoredOf(truth: Truth, rows: Iterable<Row>): Scored[] {
  const scored: Scored[] = [];
  for (const { id, time, bits } of rows) {
    const place = truth.places.get(id);
    if (place !== undefined) scored.push({ place, time, bits });
  }
  return scored;
}

function foundIn(truth: Truth, alerts: Iterable<NotedAlert>): Scored[] {
  return [...alerts]
    .filter(({ identity }) => truth.identities.has(identity))
    .flatMap(({ findings }) => findings)
    .filter((finding) => placeOf(truth, finding) !== undefined)
    .map(({ log_time, bits }) => ({ place: 0, time: log_time, bits }));
}

const minutesSince = ({ label }: Truth, time_ms: number): number =>
  Math.max(0, time_ms - label.first_time) / UNITS.MINUTE_MS;

/** Whose the alert is, and of which story. */
export function ownerOf(
  alert: NotedAlert,
  truths: readonly Truth[],
): { readonly owner: Owner; readonly story: string | undefined } {
  const near = truths.filter(({ identities }) => identities.has(alert.identity));
  const rests = near.find((truth) => alert.findings.some((finding) => placeOf(truth, finding) !== undefined));
  if (rests !== undefined) {
    return { owner: rests.label.kind === 'attack' ? 'attack' : 'look_alike', story: rests.label.story };
  }
  return ownerOfTime(near, alert.identity, alert.created, alert.created);
}

/** Whose a stretch of time of an identity is. */
export function ownerOfTime(
  truths: readonly Truth[],
  identity: string,
  from_ms: number,
  to_ms: number,
): { readonly owner: Owner; readonly story: string | undefined } {
  const during = truths.find(
    ({ label, identities }) =>
      identities.has(identity) && to_ms >= label.first_time && from_ms <= label.last_time + AFTERMATH_MS,
  );
  if (during === undefined) return { owner: 'nobody', story: undefined };
  return { owner: during.label.kind === 'attack' ? 'beside' : 'look_alike', story: during.label.story };
}
