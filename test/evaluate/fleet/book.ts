import type { Finding } from '../../../schemas/finding.ts';
import { UNITS } from '../../../schemas/limits.ts';
import type { Outputs } from '../../../schemas/outputs.ts';
import type { Threshold } from '../facts.ts';

/** An event of a watched identity with its score. */
export type Row = {
  readonly id: string;
  readonly time: number;
  readonly bits: number;
  readonly bytes: number;
};

export type NotedFinding = Pick<
  Finding,
  'time' | 'log_time' | 'bits' | 'family' | 'detector' | 'pattern' | 'sentence'
> & {
  /** The sources' own ids of the events it rests on. */
  readonly ids: readonly string[];
};

export type NotedAlert = {
  readonly identity: string;
  /** Log clock. */
  readonly created: number;
  /** All that were grouped into it, in order. */
  readonly findings: NotedFinding[];
  /** The highest score of its events. */
  bits: number;
};

/** What the workers hand out, kept as far as it is needed to judge them. */
export type Book = {
  add(outputs: Outputs, alert_bits: number): void;
  readonly alerts: ReadonlyMap<string, NotedAlert>;
  /** Rows of the watched identities, by identity, in order. */
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  /**
   * The highest score by identity and day of the log's clock. What goes on in an alert is one alert: all of its events count on
   * the day on which it was opened, and on no other.
   */
  readonly days: ReadonlyMap<string, ReadonlyMap<number, number>>;
  readonly thresholds: readonly Threshold[];
  readonly events: number;
};

export function createBook(watched: ReadonlySet<string>): Book {
  const alerts = new Map<string, NotedAlert>();
  const rows = new Map<string, Row[]>();
  const days = new Map<string, Map<number, number>>();
  const thresholds: Threshold[] = [];
  let events = 0;
  const noteDay = (identity: string, log_ms: number, bits: number): void => {
    const day = Math.floor(log_ms / UNITS.DAY_MS);
    const mine = grown(days, identity, () => new Map<number, number>());
    mine.set(day, Math.max(bits, mine.get(day) ?? 0));
  };
  const noteEvent = ({ event, log_time, bits }: Outputs['events'][number], alert: NotedAlert | undefined): void => {
    const { id } = event.identity;
    noteDay(id, log_time, alert === undefined ? bits : 0);
    if (alert !== undefined && bits > alert.bits) {
      alert.bits = bits;
      noteDay(id, alert.created, bits);
    }
    if (!watched.has(id)) return;
    grown(rows, id, () => []).push({ id: event.id, time: event.time, bits, bytes: event.volume.bytes_out ?? 0 });
  };
  return {
    alerts,
    rows,
    days,
    thresholds,
    get events() {
      return events;
    },
    add(outputs, alert_bits) {
      events += outputs.events.length;
      const from_ms = outputs.events[0]?.log_time;
      if (from_ms !== undefined && thresholds.at(-1)?.bits !== alert_bits) {
        thresholds.push({ from_ms, bits: alert_bits });
      }
      const joined = new Map<string, NotedAlert>();
      for (const { finding, identity, alert_uid } of outputs.findings) {
        if (alert_uid === undefined) continue;
        const alert = grown(alerts, alert_uid, () => ({ identity, created: finding.log_time, findings: [], bits: 0 }));
        alert.findings.push(noted(finding));
        // The event that the finding is about comes first.
        const [about] = finding.evidence;
        if (about !== undefined) joined.set(about.key, alert);
      }
      for (const row of outputs.events) noteEvent(row, joined.get(row.event.key));
    },
  };
}

function noted(finding: Finding): NotedFinding {
  const { time, log_time, bits, family, detector, pattern, sentence, evidence } = finding;
  return { time, log_time, bits, family, detector, pattern, sentence, ids: evidence.map(({ id }) => id) };
}

function grown<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
