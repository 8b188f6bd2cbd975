import { parseArgs } from 'node:util';
import { whyNoJars } from '../support/kafka/jars.ts';
import { printKafkaReport } from './kafka/report.ts';
import { runKafkaBench } from './kafka/run.ts';
import { MODES, type Mode } from './modes.ts';
import { printReport } from './report.ts';
import { runBench } from './run.ts';

const USAGE = `npm run bench [-- --kafka] [--quick] [--json]

Measures every stage of the embedded road beside its raw ceiling, memory per identity, and the time to a stored alert.
  --kafka   the hops over a real Kafka broker instead, beside kafkajs that only reads; take-over; a burst
  --quick   smaller; the embedded road takes under a minute on a quiet machine
  --tiny    everything runs once, no figure means anything
  --json    one JSON document on standard output instead of tables`;

const { values } = parseArgs({
  options: {
    kafka: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    tiny: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const mode: Mode = values.tiny ? 'tiny' : values.quick ? 'quick' : 'full';
const say = (line: string): void => {
  if (!values.json) console.error(line);
};

if (values.help) console.log(USAGE);
else if (values.kafka) await onKafka();
else await embedded();

async function embedded(): Promise<void> {
  say(`${mode}: ${MODES[mode].events} events, each stage in a process of its own`);
  const report = await runBench(mode, (stage) => say(`  ${stage} ...`));
  if (values.json) console.log(JSON.stringify(report));
  else printReport(report);
}

async function onKafka(): Promise<void> {
  const missing = whyNoJars();
  if (missing !== undefined) throw new Error(`no Kafka broker can be started, ${missing}`);
  // Whoever ends by exiting takes the broker along.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  say(`${mode}, on Kafka: each part in processes of its own`);
  const report = await runKafkaBench(mode, (part) => say(`  ${part} ...`));
  if (values.json) console.log(JSON.stringify(report));
  else printKafkaReport(report);
}
