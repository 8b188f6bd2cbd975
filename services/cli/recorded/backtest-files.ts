import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Model } from '../../../detectors/contract.ts';
import { ocsfJson } from '../../../schemas/ocsf/to-ocsf.ts';
import type { ScoredEvent } from '../../../schemas/outputs.ts';
import { EXIT, Problem } from '../problem.ts';
import type { BacktestStep } from './backtest.ts';

/**
 * What a backtest leaves in its directory. Referees read it, so it stays as it is:
 * `scores.ndjson` has one line an event, score in bits of surprise, higher is more surprising, `id` is the event's own;
 * `alerts.ndjson` has every revision of every alert as a SIEM would get it; `dead-letters.ndjson` what was refused.
 */
export type BacktestFiles = {
  add(step: BacktestStep): void;
  addDeadLetter(letter: unknown): void;
  /** Closes the streams and writes `summary.json`, atomically and last. */
  finish(summary: unknown): void;
};

const BUFFER_CHARS = 1 << 20;

export function openBacktestFiles(directory: string, model: Model): BacktestFiles {
  const { scores, alerts, letters, finish } = openResults(directory);
  const detectors = model.detectors.map(({ name }) => name);
  return {
    add({ outputs }) {
      for (const row of outputs.events) scores.line(scoreLine(row, detectors));
      for (const { alert } of outputs.alerts) alerts.line(ocsfJson(alert));
    },
    addDeadLetter(letter) {
      letters.line(JSON.stringify(letter));
    },
    finish,
  };
}

export type Results = {
  readonly scores: Lines;
  readonly alerts: Lines;
  readonly letters: Lines;
  finish(summary: unknown): void;
};

/** The files themselves, the same for every format, so that none of an earlier run is left beside them. */
export function openResults(directory: string): Results {
  mkdirSync(directory, { recursive: true });
  const open = (name: string): Lines => openLines(join(directory, `${name}.ndjson`));
  const [scores, alerts, letters] = [open('scores'), open('alerts'), open('dead-letters')];
  return {
    scores,
    alerts,
    letters,
    finish(summary) {
      for (const lines of [scores, alerts, letters]) lines.close();
      const path = join(directory, 'summary.json');
      writeFileSync(`${path}.tmp`, `${JSON.stringify(summary, null, 2)}\n`);
      renameSync(`${path}.tmp`, path);
    },
  };
}

function scoreLine({ event, bits, parts }: ScoredEvent, detectors: readonly string[]): string {
  const surprised: Record<string, number> = {};
  for (const [i, part] of parts.entries()) if (part > 0) surprised[detectors[i]!] = rounded(part);
  return JSON.stringify({
    id: event.id,
    identity: event.identity.id,
    session: event.session ?? null,
    time: new Date(event.time).toISOString(),
    score: bits,
    detectors: surprised,
  });
}

const rounded = (bits: number): number => Math.round(bits * 1000) / 1000;

/** Opens files in a directory that the user named. Throws a Problem where that cannot be written to. */
export function opened<T>(directory: string, open: (directory: string) => T): T {
  try {
    return open(directory);
  } catch (error) {
    const message = `cannot write to ${directory}: ${(error as Error).message}; name a directory (--out)`;
    throw new Problem('output_unwritable', message, EXIT.usage);
  }
}

export type Lines = { line(text: string): void; close(): void };

function openLines(path: string): Lines {
  const file = openSync(path, 'w');
  let buffer = '';
  const flush = (): void => {
    const bytes = Buffer.from(buffer, 'utf8');
    for (let at = 0; at < bytes.length; at += writeSync(file, bytes, at));
    buffer = '';
  };
  return {
    line(text) {
      buffer += `${text}\n`;
      if (buffer.length > BUFFER_CHARS) flush();
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}
