import { createTerminal } from '../../services/cli/terminal.ts';
import type { Measured } from './measure.ts';
import type { Report } from './run.ts';
import { FORMAT_STAGES } from './stages/format-names.ts';

const terminal = createTerminal({ json: false });

/** The report as tables, and as one line of JSON at the end. */
export function printReport(report: Report): void {
  printMachine(report);
  printStages(report);
  printRoad(report);
  printMemory(report);
  terminal.line();
  terminal.line(JSON.stringify(report));
}

function printMachine({ machine, size, load_after, seconds }: Report): void {
  terminal.line();
  terminal.line(`${machine.cores} cores, ${machine.cpu}, ${machine.memory_gib} GiB, ${machine.platform}`);
  terminal.line(`Node ${machine.node} (V8 ${machine.v8}), data in ${machine.directory}`);
  terminal.line(
    `load ${machine.load} before, ${load_after} after (1 to 2 of it are this run's own), ${seconds} s in all`,
  );
  terminal.line(
    `${whole(size.events)} events of ${whole(size.identities)} identities after a history of ` +
      `${whole(size.history_events)}; best and median of ${size.rounds} rounds (road: ${size.road_rounds}) after a warm-up`,
  );
  terminal.line();
}

function printStages(report: Report): void {
  const { figures, ratios } = report;
  const { decode, score, store, log, road } = figures;
  const rows: readonly (readonly [name: string, measured: Measured, ratio?: number | undefined])[] = [
    ['decode + validate, canonical', decode.canonical, ratios.decode_canonical],
    ['  JSON.parse of the same bytes', decode.canonical_parse],
    ['decode + validate, mapped', decode.mapped, ratios.decode_mapped],
    ['  JSON.parse of the same bytes', decode.mapped_parse],
    ...formatRows(report),
    ['ingest into the log', log.ingest, ratios.ingest],
    ['  append of the same records', log.append],
    ['decode in detect', score.read_back, ratios.read_back],
    ['  JSON.parse of the same bytes', score.read_back_parse],
    ['score + learn, worker', score.worker],
    ['  model alone', score.model],
    ['record', store.record, ratios.record],
    ['  insert of the same rows, encoded', store.record_insert],
    ['  encode alone', store.record_encode],
    ['embedded road, all durable', road.road, ratios.road],
    ['  of it until acknowledged', road.acknowledged],
  ];
  terminal.table(
    ['stage', 'events/s best', 'median', 'per CPU-s best', 'median', 'CPU us/event', 'x ceiling', 'MB/s'],
    rows.map(([name, measured, ratio]) => [
      name,
      whole(measured.events_per_second.best),
      whole(measured.events_per_second.median),
      whole(measured.events_per_cpu_second.best),
      whole(measured.events_per_cpu_second.median),
      fixed(measured.cpu_us_per_event.median, 2),
      ratio === undefined ? '' : fixed(ratio, 2),
      fixed((measured.events_per_second.median * measured.bytes) / measured.events / 1e6, 0),
    ]),
  );
}

function formatRows({ figures: { formats }, ratios }: Report) {
  return FORMAT_STAGES.flatMap((format): (readonly [string, Measured, (number | undefined)?])[] => [
    [`decode + normalise, ${format}`, formats[format], ratios[`decode_${format}`]],
    ['  plain parse of the same bytes', formats[`${format}_parse`]],
  ]);
}

function printRoad({ figures, ratios }: Report): void {
  const { loop_delay } = figures.road;
  const { alerts, events_per_second, p50_ms, p99_ms, max_ms } = figures.latency;
  terminal.line();
  terminal.line(`the road costs ${fixed(ratios.road ?? 0, 2)} times parse + append + insert with nothing else`);
  terminal.line(
    `event loop delay on the road: p50 ${fixed(loop_delay.p50_ms, 1)} ms, p99 ${fixed(loop_delay.p99_ms, 0)} ms, ` +
      `max ${fixed(loop_delay.max_ms, 0)} ms`,
  );
  terminal.line(
    `acknowledged event to stored alert: p50 ${fixed(p50_ms, 0)} ms, p99 ${fixed(p99_ms, 0)} ms, max ${fixed(max_ms, 0)} ms ` +
      `(${alerts} alerts among ${whole(events_per_second)} events/s)`,
  );
}

function printMemory({ figures }: Report): void {
  const { identities, state_bytes, idle, in_session, blob_bytes } = figures.memory;
  terminal.line();
  terminal.line(`bytes per identity at ${whole(identities)} identities (fixed words: ${whole(state_bytes)})`);
  terminal.table(
    ['', 'heap + external', 'resident', 'blob'],
    (
      [
        ['no session open', idle, blob_bytes.idle],
        ['one session open', in_session, blob_bytes.in_session],
      ] as const
    ).map(([name, held, blob]) => [name, whole(held.heap_and_external_bytes), whole(held.rss_bytes), whole(blob)]),
  );
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function fixed(value: number, digits: number): string {
  return value.toFixed(digits);
}
