import { type Logger, pino } from 'pino';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { OCCURRENCES, type OccurrenceName } from './occurrences.ts';

/**
 * Logs and metrics of one process. What can happen is declared once, in `occurrences.ts`: the log line, its level and
 * the counter belong together, so one occurrence is one line and one increment and neither can be forgotten.
 */
export type Telemetry = {
  readonly logger: Logger;
  readonly registry: Registry;
  /** Counts an occurrence and logs it. `labels` become metric labels and log fields, `fields` only log fields. */
  occurred(
    name: OccurrenceName,
    labels: Readonly<Record<string, string>>,
    fields?: Readonly<Record<string, unknown>>,
    count?: number,
  ): void;
  gauge(name: string, help: string, labels?: readonly string[]): Gauge;
  histogram(name: string, help: string, buckets: readonly number[], labels?: readonly string[]): Histogram;
};

/** Field names whose values never reach a log, wherever they stand. */
export const REDACTED = ['authorization', 'cookie', 'password', 'secret', 'token', 'api_key', 'signing_key'] as const;

const redactPaths = REDACTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`, `headers["${name}"]`]);

export function createTelemetry(options: { level: string; destination?: NodeJS.WritableStream }): Telemetry {
  const logger = pino(
    { level: options.level, base: null, redact: { paths: redactPaths, censor: '[redacted]' } },
    (options.destination ?? process.stderr) as NodeJS.WritableStream & { write(chunk: string): boolean },
  );
  const registry = new Registry();
  const counters = new Map<OccurrenceName, Counter>();
  for (const [name, declared] of Object.entries(OCCURRENCES) as [
    OccurrenceName,
    (typeof OCCURRENCES)[OccurrenceName],
  ][]) {
    counters.set(
      name,
      new Counter({
        name: `countersign_${name}_total`,
        help: declared.help,
        labelNames: [...declared.labels],
        registers: [registry],
      }),
    );
  }
  return {
    logger,
    registry,
    occurred(name, labels, fields, count = 1) {
      counters.get(name)?.inc(labels, count);
      logger[OCCURRENCES[name].level]({ occurrence: name, ...labels, ...fields, count }, OCCURRENCES[name].help);
    },
    gauge: (name, help, labels = []) =>
      new Gauge({ name: `countersign_${name}`, help, labelNames: [...labels], registers: [registry] }),
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({
        name: `countersign_${name}`,
        help,
        buckets: [...buckets],
        labelNames: [...labels],
        registers: [registry],
      }),
  };
}

/** For tests and for pure runs that report in their own way. */
export function silentTelemetry(): Telemetry {
  return createTelemetry({ level: 'silent' });
}
