import { decodeRecord, isPoison } from '../../../services/detect/decode.ts';
import { TOPICS } from '../../../services/platform/event-log.ts';
import { applyAll, type History, playHistory, workerAfter } from '../history.ts';
import { canonicalInput, type Input } from '../input.ts';
import { decodedRecords, logRecords } from '../log-records.ts';
import { type Measured, measureInTurn, type Work } from '../measure.ts';
import type { Size } from '../modes.ts';
import { modelWork } from './model.ts';

export type ScoreFigures = Readonly<Record<'worker' | 'model' | 'read_back' | 'read_back_parse', Measured>> & {
  /** Of the measured events. */
  readonly findings: number;
  readonly alert_revisions: number;
};

/**
 * The partition worker over decoded records of the log, sessions ending and teaching included, with the baselines and the
 * prior of the history. Beside it the model with nothing around it, and what it takes to decode the records.
 */
export async function measureScore(size: Size): Promise<ScoreFigures> {
  const history = playHistory(size);
  const input = canonicalInput(size);
  const decoded = decodedRecords(input, history.checkpoint.manifest.next_offset);
  const works = {
    worker: workerWork(history, decoded, input),
    model: modelWork(history, decoded, input.bytes),
    ...readBackWorks(input),
  };
  const measured = await measureInTurn(works, size.rounds);
  return { ...measured, ...countOutputs(history, decoded) };
}

function workerWork(history: History, decoded: ReturnType<typeof decodedRecords>, { items, bytes }: Input): Work {
  const events = items.length;
  let worker = workerAfter(history);
  return {
    events,
    bytes,
    prepare: () => {
      worker = workerAfter(history);
    },
    run: () => {
      const rows = applyAll(worker, decoded);
      if (rows !== events) throw new Error(`${rows} rows came of ${events} events`);
    },
  };
}

function countOutputs(
  history: History,
  decoded: ReturnType<typeof decodedRecords>,
): Pick<ScoreFigures, 'findings' | 'alert_revisions'> {
  const worker = workerAfter(history);
  worker.load(worker.needs(decoded).blobs, new Map());
  for (const record of decoded) worker.apply(record);
  const { findings, alerts } = worker.takeOutputs();
  return { findings: findings.length, alert_revisions: alerts.length };
}

function readBackWorks(input: Input): Record<'read_back' | 'read_back_parse', Work> {
  const records = logRecords(input);
  const events = records.length;
  const bytes = records.reduce((sum, { value }) => sum + value.length, 0);
  const each = (read: (record: (typeof records)[number]) => boolean): Work => ({
    events,
    bytes,
    run: () => {
      for (const record of records) if (!read(record)) throw new Error('a record of the fleet cannot be read');
    },
  });
  return {
    read_back: each((record) => !isPoison(decodeRecord(record, TOPICS.events, 0).record)),
    read_back_parse: each(({ value }) => JSON.parse(value.toString('utf8')) !== null),
  };
}
