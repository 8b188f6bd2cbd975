import { createTerminal } from '../../../services/cli/terminal.ts';
import type { HopName } from './hops.ts';
import type { KafkaReport } from './run.ts';

const terminal = createTerminal({ json: false });

/** The report as tables, and as one line of JSON at the end. */
export function printKafkaReport(report: KafkaReport): void {
  printMachine(report);
  printHops(report);
  printTakeover(report);
  printBurst(report);
  terminal.line();
  terminal.line(JSON.stringify(report));
}

function printMachine({ machine, kafka, size, load_after, seconds }: KafkaReport): void {
  terminal.line();
  terminal.line(`${machine.cores} cores, ${machine.cpu}, ${machine.memory_gib} GiB, ${machine.platform}`);
  terminal.line(
    `Node ${machine.node} (V8 ${machine.v8}), Kafka ${kafka} on the same machine, data in ${machine.directory}`,
  );
  terminal.line(`load ${machine.load} before, ${load_after} after, ${seconds} s in all`);
  terminal.line(
    `${whole(size.events)} events of ${whole(size.identities)} identities after a history of ` +
      `${whole(size.history_events)} (raw topic: ${size.repeats} times the events); best and median of ${size.rounds} rounds`,
  );
  terminal.line();
}

const LINES: readonly (readonly [label: string, hop: HopName])[] = [
  ['raw topic: kafkajs reads', 'raw_kafkajs_read'],
  ['  kafkajs reads, JSON.parse', 'raw_kafkajs_parse'],
  ['  our reader reads', 'raw_reader_read'],
  ['  our reader reads, JSON.parse', 'raw_reader_parse'],
  ['ingest hop, 1 process', 'ingest_1'],
  ['ingest hop, 2 processes', 'ingest_2'],
  ['events topic: kafkajs reads, JSON.parse', 'events_kafkajs_parse'],
  ['  our reader reads, JSON.parse', 'events_reader_parse'],
  ['detect hop, 1 process', 'detect_1'],
  ['  with ClickHouse in it', 'detect_1_embedded'],
  ['detect hop, 2 processes', 'detect_2'],
  ['whole road, 1 process', 'road_1'],
  ['  with ClickHouse in it', 'road_1_embedded'],
  ['whole road, 2 processes', 'road_2'],
];

function printHops({ hops, ratios }: KafkaReport): void {
  terminal.table(
    ['hop', 'events/s best', 'median', 'per CPU-s best', 'median', 'CPU us/event', 'of ceiling', 'MB/s'],
    LINES.map(([label, hop]) => {
      const measured = hops[hop];
      const ratio = ratios[hop];
      return [
        label,
        whole(measured.events_per_second.best),
        whole(measured.events_per_second.median),
        whole(measured.events_per_cpu_second.best),
        whole(measured.events_per_cpu_second.median),
        measured.cpu_us_per_event.median.toFixed(2),
        ratio === undefined ? '' : ratio.toFixed(2),
        whole((measured.events_per_second.median * measured.bytes) / measured.events / 1e6),
      ];
    }),
  );
}

function printTakeover({ takeover }: KafkaReport): void {
  const { identities, session_timeout_ms, assigned_ms, applied_ms } = takeover;
  terminal.line();
  terminal.line(
    `take-over of 12 partitions with ${whole(identities)} identities: ${whole(applied_ms)} ms from the assignment to ` +
      `the first new record of each applied; assigned ${whole(assigned_ms)} ms after the kill, of which up to ` +
      `${whole(session_timeout_ms)} ms are the session timeout`,
  );
}

function printBurst({ burst }: KafkaReport): void {
  const { events, produced_ms, applied_ms, durable_ms, loop_delay } = burst;
  const mib = (bytes: number): string => whole(bytes / 2 ** 20);
  terminal.line(
    `burst of ${whole(events)} events, sent in ${seconds(produced_ms)}: lag 0 after ${seconds(applied_ms)}, all durable ` +
      `after ${seconds(durable_ms)} (${burst.cpu_us_per_event.toFixed(1)} CPU us an event)`,
  );
  terminal.line(
    `  resident memory ${mib(burst.rss_idle_bytes)} MiB idle, ${mib(burst.rss_peak_bytes)} MiB at most; event loop delay ` +
      `p50 ${loop_delay.p50_ms.toFixed(1)} ms, p99 ${whole(loop_delay.p99_ms)} ms, max ${whole(loop_delay.max_ms)} ms`,
  );
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
