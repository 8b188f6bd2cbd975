import { describeAlert } from '../../../detectors/recommend.ts';
import { Config } from '../../../schemas/config.ts';
import { UNITS } from '../../../schemas/limits.ts';
import { createBacktest } from '../../../services/cli/recorded/backtest.ts';
import { createIngestContext } from '../../../services/cli/recorded/context.ts';
import { readInputs } from '../../../services/cli/recorded/inputs.ts';
import { replayRecords } from '../../../services/ingest/replay.ts';
import type { StoryLabel } from '../../../services/simulate/labels.ts';
import type { SimulationRequest } from '../../../services/simulate/parameters.ts';
import { prepareSimulation, type Simulation } from '../../../services/simulate/prepare.ts';
import { playSimulation } from '../../../services/simulate/simulate.ts';
import type { FleetFacts, FleetJob } from '../facts.ts';
import { watchedModel } from '../models.ts';
import { type Book, createBook } from './book.ts';
import { hitOf, ownerOf, ownerOfTime, peaksOf, type Truth, truthOf } from './match.ts';
import { pictureOf } from './picture.ts';

/** A Monday, such that a month ends in the second half of a run of 20 to 44 days. */
const START_MS = Date.UTC(2026, 2, 9);
const LINES_A_CHUNK = 512;

/** The defaults that the service ships with. */
export const SHIPPED = Config.parse({});

/** Plays a fleet through the partition workers, as a backtest of a recording of it would, and compares with the truth. */
export async function runFleet(job: FleetJob): Promise<FleetFacts> {
  const { simulation, left_out } = prepareFitting(job);
  const watched = new Set(simulation.stories.flatMap(({ plan }) => plan.agents.map((agent) => agent.id)));
  const labels: StoryLabel[] = [];
  const book = await scored(simulation, createBook(watched), labels);
  return { ...factsOf(job, simulation, book, labels.map(truthOf)), left_out };
}

/** A story that finds no place in this fleet is left out, and told of. */
function prepareFitting(job: FleetJob): { simulation: Simulation; left_out: string[] } {
  const left_out: string[] = [];
  for (;;) {
    const stories = job.stories.filter((one) => !left_out.includes(nameOf(one)));
    const { seed, identities, days } = job;
    const request: SimulationRequest = { seed, identities, days, start_ms: START_MS, stories };
    const prepared = prepareSimulation(request);
    if (prepared.ok) return { simulation: prepared.value, left_out };
    const { code, value, message } = prepared.error;
    if (code !== 'story_does_not_fit' || left_out.includes(value)) throw new RangeError(message);
    left_out.push(value);
  }
}

const nameOf = (story: string): string => story.split(':')[0] ?? story;

async function scored(simulation: Simulation, book: Book, labels: StoryLabel[]): Promise<Book> {
  const { model, alertBits } = watchedModel();
  const backtest = createBacktest({
    model,
    describe: describeAlert,
    partitions: SHIPPED.log.partitions,
    alerts_per_1000_identity_days: SHIPPED.detect.alerts_per_1000_identity_days,
    lateness_ms: SHIPPED.detect.lateness_ms,
  });
  const recording = { name: 'simulated', chunks: linesOf(simulation, labels), size_bytes: undefined };
  const context = createIngestContext(readInputs({ format: 'canonical' }), 0);
  for await (const { outputs } of backtest.run(replayRecords([recording], context))) book.add(outputs, alertBits());
  return book;
}

async function* linesOf(simulation: Simulation, labels: StoryLabel[]): AsyncGenerator<Buffer> {
  let lines: string[] = [];
  for (const item of playSimulation(simulation)) {
    if (item.kind === 'label') {
      labels.push(item.label);
      continue;
    }
    lines.push(JSON.stringify(item.event));
    if (lines.length < LINES_A_CHUNK) continue;
    yield Buffer.from(`${lines.join('\n')}\n`);
    lines = [];
  }
  if (lines.length > 0) yield Buffer.from(`${lines.join('\n')}\n`);
}

function factsOf(
  job: FleetJob,
  simulation: Simulation,
  book: Book,
  truths: readonly Truth[],
): Omit<FleetFacts, 'left_out'> {
  const { start_ms, end_ms } = simulation.fleet;
  const judged_ms = start_ms + Math.ceil((end_ms - start_ms) / 2);
  const alerts = [...book.alerts.values()];
  const rows = [...book.rows.values()].flat();
  return {
    seed: job.seed,
    quiet: job.stories.length === 0,
    events: book.events,
    ...daysOf(book, truths, judged_ms),
    alerts: alerts.map((alert) => ({
      ...ownerOf(alert, truths),
      learning: alert.created < judged_ms,
      detector: alert.findings[0]?.detector ?? '',
      pattern: alert.findings[0]?.pattern ?? '',
    })),
    stories: truths.map((truth) => ({
      seed: job.seed,
      story: truth.label.story,
      kind: truth.label.kind,
      intensity: truth.label.intensity,
      events: truth.label.events,
      hit: hitOf(truth, alerts),
      peaks: peaksOf(truth, rows, alerts),
      picture: job.pictures.includes(truth.label.story)
        ? pictureOf(truth, book, { from_ms: start_ms, to_ms: end_ms })
        : undefined,
    })),
  };
}

function daysOf(
  book: Book,
  truths: readonly Truth[],
  judged_ms: number,
): Pick<FleetFacts, 'days' | 'learning_identity_days'> {
  const first_judged = Math.ceil(judged_ms / UNITS.DAY_MS);
  const days: FleetFacts['days'][number][] = [];
  let learning_identity_days = 0;
  for (const [identity, maxima] of book.days) {
    for (const [day, bits] of maxima) {
      if (day < first_judged) {
        learning_identity_days += 1;
        continue;
      }
      const from_ms = day * UNITS.DAY_MS;
      days.push({ bits, ...ownerOfTime(truths, identity, from_ms, from_ms + UNITS.DAY_MS) });
    }
  }
  return { days, learning_identity_days };
}
