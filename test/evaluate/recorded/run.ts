import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import { UNITS } from '../../../schemas/limits.ts';
import { type BacktestStep, createBacktest } from '../../../services/cli/recorded/backtest.ts';
import { createIngestContext } from '../../../services/cli/recorded/context.ts';
import { openRecordings, readInputs } from '../../../services/cli/recorded/inputs.ts';
import { replayRecords } from '../../../services/ingest/replay.ts';
import type { Recording } from '../../../services/ingest/source.ts';
import { SHIPPED } from '../fleet/run.ts';
import { modelWithoutPeers } from '../models.ts';
import type { RecordedFacts, RecordedJob, Stream } from './facts.ts';
import { poisonedStream, type SessionLabel, type StreamEvent, swapsOf } from './poison.ts';

/** Share of the sessions of the baseline days that are hijacked in the poisoned stream. */
export const POISONED_SHARE = 0.02;
const LINES_A_CHUNK = 1024;

/** One recorded stream through the partition workers; leaves the files that the referee reads. */
export async function runRecorded(job: RecordedJob): Promise<RecordedFacts> {
  const { stream, variant } = job;
  const poisoned = variant === 'poisoned' ? poison(stream) : undefined;
  const recordings = poisoned === undefined ? (await openRecordings([stream.events])).recordings : [poisoned.recording];
  const context = createIngestContext(readInputs({ format: 'mapped', mapping: [job.mapping] }), 0);
  const backtest = createBacktest({
    model: variant === 'without_peers' ? modelWithoutPeers() : createModel(),
    describe: describeAlert,
    partitions: SHIPPED.log.partitions,
    alerts_per_1000_identity_days: SHIPPED.detect.alerts_per_1000_identity_days,
    lateness_ms: SHIPPED.detect.lateness_ms,
  });
  const out = openScores(join(job.out, `${stream.name}-${variant}`));
  for await (const step of backtest.run(replayRecords(recordings, context))) out.add(step);
  return { stream, variant, poisoned_sessions: poisoned?.sessions ?? 0, ...out.finish() };
}

function linesOf<T>(file: string): T[] {
  const text = gunzipSync(readFileSync(file)).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function poison(stream: Stream): { readonly recording: Recording; readonly sessions: number } {
  const swaps = swapsOf(linesOf<SessionLabel>(stream.session_labels), POISONED_SHARE);
  const events = poisonedStream(linesOf<StreamEvent>(stream.events), swaps);
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0; at < events.length; at += LINES_A_CHUNK) {
      const lines = events.slice(at, at + LINES_A_CHUNK).map((event) => JSON.stringify(event));
      yield Buffer.from(`${lines.join('\n')}\n`);
    }
  }
  return { recording: { name: stream.name, chunks: chunks(), size_bytes: undefined }, sessions: swaps.length };
}

type Scores = {
  add(step: BacktestStep): void;
  finish(): Pick<RecordedFacts, 'events' | 'identity_days' | 'alerts' | 'scores' | 'alerted'>;
};

function openScores(directory: string): Scores {
  mkdirSync(directory, { recursive: true });
  const [scores, alerted] = [join(directory, 'scores.ndjson'), join(directory, 'alerted.ndjson')];
  const [all, some] = [openSync(scores, 'w'), openSync(alerted, 'w')];
  const identityDays = new Set<string>();
  const alerts = new Set<string>();
  let events = 0;
  const write = (file: number, lines: readonly unknown[]): void => {
    if (lines.length > 0) writeSync(file, `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  };
  return {
    add({ outputs }) {
      events += outputs.events.length;
      for (const { event, log_time } of outputs.events) {
        identityDays.add(`${event.identity.id} ${Math.floor(log_time / UNITS.DAY_MS)}`);
      }
      write(
        all,
        outputs.events.map(({ event, bits }) => ({ id: event.id, score: bits })),
      );
      const grouped = outputs.findings.filter(({ alert_uid }) => alert_uid !== undefined);
      for (const { alert_uid = '' } of grouped) alerts.add(alert_uid);
      write(
        some,
        grouped.flatMap(({ finding }) => finding.evidence.map(({ id }) => ({ id, score: 1 }))),
      );
    },
    finish() {
      closeSync(all);
      closeSync(some);
      return { events, identity_days: identityDays.size, alerts: alerts.size, scores, alerted };
    },
  };
}
