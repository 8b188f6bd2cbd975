import type { EventInput } from '../../schemas/event.ts';
import type { RecordsStep, ReplayStep } from '../../services/ingest/replay.ts';
import { replayRecords } from '../../services/ingest/replay.ts';
import type { Ingest } from '../../services/ingest/submit.ts';
import { simulateFleet } from '../../services/simulate/simulate.ts';

/** What a scenario sends, from its seed: a fleet that is recorded and, under the same names, one that is live. */
export type Input = {
  /** Records, ticks and cuts of a recording, in pieces of some ten events. */
  readonly recorded: readonly ReplayStep[];
  /** Calls to be given a time and an id when they are sent. */
  readonly live: readonly EventInput[];
};

const START_MS = Date.UTC(2026, 0, 5);
const PIECE = 60;

export async function inputOf(seed: number, contextOf: Ingest['contextOf']): Promise<Input> {
  const recorded = fleetOf(seed, 3);
  const live = fleetOf(seed + 1, 2);
  const bytes = Buffer.from(recorded.map((event) => JSON.stringify(event)).join('\n'));
  const recording = { name: 'fleet', chunks: once(bytes), size_bytes: bytes.length };
  const steps: ReplayStep[] = [];
  for await (const step of replayRecords([recording], contextOf({ format: 'canonical', origin: 'recorded' }))) {
    if (step.kind === 'records') steps.push(...pieces(step));
    else steps.push(step);
  }
  return { recorded: steps, live };
}

function fleetOf(seed: number, days: number): EventInput[] {
  const items = [...simulateFleet({ seed, identities: 24, days, start_ms: START_MS })];
  return items.flatMap((item) => (item.kind === 'event' ? [item.event] : []));
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

function* pieces(step: RecordsStep): Generator<RecordsStep> {
  for (let from = 0; from < step.decided.length; from += PIECE) {
    const to = from + PIECE;
    yield { ...step, decided: step.decided.slice(from, to), at: step.at.slice(from, to) };
  }
}
