import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../services/platform/clock.ts';
import { type Machine, thisMachine } from './machine.ts';
import { MODES, type Mode, type Size } from './modes.ts';
import { FORMAT_STAGES } from './stages/format-names.ts';
import type { Figures } from './stages/index.ts';
import { STAGE_NAMES } from './stages/names.ts';

const CHILD = fileURLToPath(new URL('stage-child.ts', import.meta.url));

export type Report = {
  readonly mode: Mode;
  readonly size: Size;
  readonly machine: Machine;
  readonly load_after: number;
  readonly seconds: number;
  readonly figures: Figures;
  /** CPU time of the stage over that of its raw ceiling, medians: 1 is the ceiling itself. */
  readonly ratios: Readonly<Record<string, number>>;
};

/** Runs every stage, each in a process of its own, one after the other. */
export async function runBench(mode: Mode, onStage: (stage: string) => void): Promise<Report> {
  const machine = thisMachine();
  const began = systemClock.elapsed();
  const figures: Partial<Record<keyof Figures, unknown>> = {};
  for (const stage of STAGE_NAMES) {
    onStage(stage);
    figures[stage] = await runStage(stage, mode);
  }
  const measured = figures as Figures;
  return {
    mode,
    size: MODES[mode],
    machine,
    load_after: thisMachine().load,
    seconds: Math.round((systemClock.elapsed() - began) / 100) / 10,
    figures: measured,
    ratios: ratiosOf(measured),
  };
}

async function runStage(stage: keyof Figures, mode: Mode): Promise<unknown> {
  const child = fork(CHILD, [stage, mode], { execArgv: ['--expose-gc'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let figures: unknown;
  child.once('message', (message) => {
    figures = message;
  });
  const [code] = await exited;
  if (code !== 0 || figures === undefined) throw new Error(`stage ${stage} ended with ${code} and without figures`);
  return figures;
}

function ratiosOf({ decode, formats, score, store, log, road }: Figures): Record<string, number> {
  const over = (stage: { cpu_us_per_event: { median: number } }, ...ceilings: (typeof stage)[]): number =>
    stage.cpu_us_per_event.median / ceilings.reduce((sum, { cpu_us_per_event }) => sum + cpu_us_per_event.median, 0);
  return {
    decode_canonical: over(decode.canonical, decode.canonical_parse),
    decode_mapped: over(decode.mapped, decode.mapped_parse),
    ...Object.fromEntries(
      FORMAT_STAGES.map((format) => [`decode_${format}`, over(formats[format], formats[`${format}_parse`])]),
    ),
    read_back: over(score.read_back, score.read_back_parse),
    record: over(store.record, store.record_insert),
    ingest: over(log.ingest, log.append),
    road: over(road.road, decode.canonical_parse, log.append, store.record_insert),
  };
}
