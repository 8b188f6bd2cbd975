import { join } from 'node:path';
import type { Model } from '../../../detectors/contract.ts';
import { createModel } from '../../../detectors/model.ts';
import { describeAlert } from '../../../detectors/recommend.ts';
import { undecidedGaps } from '../../../services/detect/gap.ts';
import { DetectRunner } from '../../../services/detect/runner.ts';
import { emptyCatalogue } from '../../../services/ingest/catalogue.ts';
import type { Item } from '../../../services/ingest/core.ts';
import { createIngest, type Ingest } from '../../../services/ingest/submit.ts';
import { openStore } from '../../../services/platform/clickhouse/client.ts';
import { systemClock } from '../../../services/platform/clock.ts';
import { TOPICS } from '../../../services/platform/event-log.ts';
import { openSqliteLog } from '../../../services/platform/sqlite-log/sqlite-log.ts';
import type { DetectStore } from '../../../services/platform/store.ts';
import { silentTelemetry } from '../../../services/platform/telemetry.ts';
import { withDirectory } from '../directory.ts';
import { quantile } from '../measure.ts';
import type { Size } from '../modes.ts';

export type LatencyFigures = {
  readonly alerts: number;
  readonly events_per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
};

/** Ordinary traffic, so that checkpoints and flushes are under way as they are in a live service. */
const ROUND_MS = 47;
const ORDINARY_PER_ROUND = 20;
const IDENTITIES = 500;
const ALARMING_TOOL = 'bench.alarm';
const ALARMING_BITS = 90;

/**
 * A live trickle in which one event of every round alerts for sure, each by an identity of its own. Measured from the
 * acknowledgement of that event to the moment at which the row of its alert is durable in ClickHouse.
 */
export function measureLatency(size: Size): Promise<LatencyFigures> {
  return withDirectory(async (path) => {
    const telemetry = silentTelemetry();
    const log = openSqliteLog({ path: join(path, 'log.sqlite'), clock: systemClock, telemetry });
    const { store } = await openStore({ kind: 'embedded', path: join(path, 'clickhouse') }, { telemetry });
    const stored = new Map<string, number>();
    const runner = new DetectRunner({
      log,
      store: noting(store, stored),
      clock: systemClock,
      telemetry,
      gaps: undecidedGaps(),
      worker: { model: alarming(createModel()), describe: describeAlert },
    });
    await log.subscribe(TOPICS.events, 'bench', { assigned: (p) => runner.assign(p), revoked: async () => {} });
    const running = runner.run();
    const ingest = createIngest({ log, clock: systemClock, telemetry, mappings: [], catalogue: emptyCatalogue() });
    try {
      const began = systemClock.elapsed();
      const acknowledged = await trickle(ingest, size.latency_alerts);
      const seconds = (systemClock.elapsed() - began) / 1000;
      await runner.drain();
      const events_per_second = (size.latency_alerts * (ORDINARY_PER_ROUND + 1)) / seconds;
      return { ...latenciesOf(acknowledged, stored), events_per_second };
    } finally {
      await runner.stop({ checkpoint: false });
      await running.catch(() => undefined);
      await store.close();
      await log.close();
    }
  });
}

/** The model with one certainty: a call of the alarming tool is an alert. */
function alarming(model: Model): Model {
  return {
    ...model,
    score(input) {
      const score = model.score(input);
      if (input.event.tool?.name !== ALARMING_TOOL) return score;
      return { bits: ALARMING_BITS, parts: score.parts.map(() => ALARMING_BITS) };
    },
  };
}

/** The store, with the time at which each identity's first alert row was durable. */
function noting(store: DetectStore, stored: Map<string, number>): DetectStore {
  return {
    ...store,
    async writeOutputs(outputs) {
      await store.writeOutputs(outputs);
      const now = systemClock.elapsed();
      for (const { alert } of outputs.alerts) {
        if (!stored.has(alert.identity.id)) stored.set(alert.identity.id, now);
      }
    },
  };
}

/** Resolves with the time of acknowledgement of each alarming event, by identity. */
async function trickle(ingest: Ingest, rounds: number): Promise<Map<string, number>> {
  const acknowledged = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    const began = systemClock.elapsed();
    const culprit = `culprit-${round}`;
    const ordinary = Array.from({ length: ORDINARY_PER_ROUND }, (_, i) => {
      const serial = round * ORDINARY_PER_ROUND + i;
      return itemOf(`o-${serial}`, `agent-${(serial * 7) % IDENTITIES}`, 'read_ticket');
    });
    const alarm = itemOf(`a-${round}`, culprit, ALARMING_TOOL);
    const submitted = { format: 'canonical', origin: 'bench' } as const;
    await Promise.all([
      ingest.submit(ordinary, submitted),
      ingest.submit([alarm], submitted).then(() => acknowledged.set(culprit, systemClock.elapsed())),
    ]);
    await systemClock.sleep(Math.max(0, ROUND_MS - (systemClock.elapsed() - began)));
  }
  return acknowledged;
}

function itemOf(id: string, identity: string, tool: string): Item {
  const event = {
    id,
    time: systemClock.now(),
    identity: { id: identity, kind: 'agent', peer_group: 'bench' },
    session: `${identity}/1`,
    tool: { name: tool },
    action: { operation: 'read' },
    resource: { id: `r-${identity}`, store: 'bench' },
    volume: { bytes_in: 100, bytes_out: 2_000, records: 1 },
    outcome: { status: 'ok' },
  };
  return { bytes: Buffer.from(JSON.stringify(event), 'utf8'), position: id };
}

function latenciesOf(
  acknowledged: ReadonlyMap<string, number>,
  stored: ReadonlyMap<string, number>,
): Omit<LatencyFigures, 'events_per_second'> {
  const latencies = [...acknowledged].map(([identity, since]) => (stored.get(identity) ?? Number.NaN) - since);
  if (latencies.some(Number.isNaN)) throw new Error('an alarming event brought no alert');
  return {
    alerts: latencies.length,
    p50_ms: quantile(latencies, 0.5),
    p99_ms: quantile(latencies, 0.99),
    max_ms: Math.max(...latencies),
  };
}
