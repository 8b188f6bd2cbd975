import { systemClock } from '../../../services/platform/clock.ts';
import { startKafka } from '../../support/kafka/broker.ts';
import { withDirectory } from '../directory.ts';
import { canonicalInput } from '../input.ts';
import { type Machine, thisMachine } from '../machine.ts';
import { median } from '../measure.ts';
import type { Mode } from '../modes.ts';
import { type Burst, measureBurst } from './burst.ts';
import { figuresOf, fillTopics, type HopFigures, measureRound, type Samples } from './hops.ts';
import { KAFKA_MODES, type KafkaSize } from './sizes.ts';
import type { Stage } from './stage.ts';
import { measureTakeover, type Takeover } from './takeover.ts';

export type KafkaReport = {
  readonly mode: Mode;
  readonly size: KafkaSize;
  readonly machine: Machine;
  readonly load_after: number;
  readonly seconds: number;
  readonly kafka: string;
  readonly hops: HopFigures;
  /** Events per busy CPU-second over those of kafkajs that reads the same topic and parses: 1 is the ceiling itself. */
  readonly ratios: Readonly<Record<string, number>>;
  readonly takeover: Takeover;
  readonly burst: Burst;
};

/** The broker has a virtual machine as in production; what it costs is not counted. */
const JVM = ['-Xms1g', '-Xmx1g', '-XX:TieredStopAtLevel=4'];

export async function runKafkaBench(mode: Mode, onPart: (part: string) => void): Promise<KafkaReport> {
  const size = KAFKA_MODES[mode];
  const machine = thisMachine();
  const began = systemClock.elapsed();
  const broker = await startKafka({ jvm: JVM });
  try {
    return await withDirectory(async (directory) => {
      const measured = await measureAll({ brokers: broker.brokers, directory, size }, onPart);
      return {
        mode,
        size,
        machine,
        load_after: thisMachine().load,
        seconds: Math.round((systemClock.elapsed() - began) / 100) / 10,
        kafka: broker.version,
        ...measured,
      };
    });
  } finally {
    await broker.dispose();
  }
}

type Measurements = Pick<KafkaReport, 'hops' | 'ratios' | 'takeover' | 'burst'>;

async function measureAll(stage: Stage, onPart: (part: string) => void): Promise<Measurements> {
  const { size } = stage;
  onPart('filling the topics');
  await fillTopics(stage);
  const samples: Samples[] = [];
  for (let round = 0; round < size.rounds; round++) {
    samples.push(await measureRound(stage, round, (hop) => onPart(`round ${round + 1}, ${hop}`)));
  }
  const takeovers: Takeover[] = [];
  for (let round = 0; round < size.takeovers; round++) {
    onPart(`take-over ${round + 1}`);
    takeovers.push(await measureTakeover(stage, round));
  }
  onPart('burst');
  const burst = await measureBurst(stage);
  const hops = figuresOf(samples, size, bytesOf(size));
  return { hops, ratios: ratiosOf(hops), takeover: typical(takeovers), burst };
}

/** Bytes of as many events as are measured, by those of the first of the fleet. */
function bytesOf(size: KafkaSize): number {
  const events = Math.min(size.events, 1_000);
  return (canonicalInput({ ...size, history_events: 0, events }).bytes / events) * size.events;
}

function ratiosOf(hops: HopFigures): Record<string, number> {
  const cost = (hop: keyof HopFigures): number => hops[hop].cpu_us_per_event.median;
  const raw = cost('raw_kafkajs_parse');
  const events = cost('events_kafkajs_parse');
  return {
    raw_kafkajs_read: raw / cost('raw_kafkajs_read'),
    raw_reader_read: raw / cost('raw_reader_read'),
    raw_reader_parse: raw / cost('raw_reader_parse'),
    ingest_1: raw / cost('ingest_1'),
    ingest_2: raw / cost('ingest_2'),
    events_reader_parse: events / cost('events_reader_parse'),
    detect_1: events / cost('detect_1'),
    detect_1_embedded: events / cost('detect_1_embedded'),
    detect_2: events / cost('detect_2'),
    // Two hops, so two ceilings.
    road_1: (raw + events) / cost('road_1'),
    road_1_embedded: (raw + events) / cost('road_1_embedded'),
    road_2: (raw + events) / cost('road_2'),
  };
}

function typical(takeovers: readonly Takeover[]): Takeover {
  const of = (figure: (takeover: Takeover) => number): number => median(takeovers.map(figure));
  return {
    ...(takeovers[0] as Takeover),
    assigned_ms: of(({ assigned_ms }) => assigned_ms),
    applied_ms: of(({ applied_ms }) => applied_ms),
  };
}
