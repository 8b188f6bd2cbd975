import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { FromPart, PartArguments, ToPart } from './messages.ts';
import { PARTS } from './parts/index.ts';

/** One part in a process of its own, which tells all the time how far it is and what it has cost. */
const given = JSON.parse(process.argv[2] as string) as PartArguments;
/** Telling costs time of its own: seldom, except where moments are what is measured. */
const REPORT_MS = 100;

const open = await PARTS[given.part]();
const part = await open(given);
const watched = given.loop_delay === true ? monitorEventLoopDelay({ resolution: 1 }) : undefined;

const report = (): void => {
  const { user, system } = process.cpuUsage();
  const standing: FromPart = {
    held: part.held ?? [],
    ...part.progress,
    cpu_us: user + system,
    rss_peak_bytes: process.resourceUsage().maxRSS * 1024,
    ...(watched === undefined ? {} : { loop_delay: delayOf(watched) }),
  };
  // A parent that is gone is noticed by its disconnection.
  if (process.connected) process.send?.(standing, () => undefined);
};
const reporting = setInterval(report, given.report_ms ?? REPORT_MS);

process.on('message', async (message: ToPart) => {
  if (message === 'go') {
    watched?.enable();
    await part.go();
  } else if (message === 'settle') await part.settle?.();
  else {
    clearInterval(reporting);
    await part.close();
    process.disconnect();
  }
});
// The parent is gone, whatever became of it.
process.on('disconnect', () => process.exit());
report();

function delayOf(histogram: ReturnType<typeof monitorEventLoopDelay>): NonNullable<FromPart['loop_delay']> {
  const ms = (nanoseconds: number): number => nanoseconds / 1e6;
  return {
    p50_ms: ms(histogram.percentile(50)),
    p99_ms: ms(histogram.percentile(99)),
    max_ms: ms(histogram.max),
  };
}
