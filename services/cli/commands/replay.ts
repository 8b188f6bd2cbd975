import type { Command } from 'commander';
import { FORMATS } from '../../ingest/formats.ts';
import { replayRecords } from '../../ingest/replay.ts';
import { settleRule } from '../../ingest/settle/rule.ts';
import { createIngest } from '../../ingest/submit.ts';
import { systemClock } from '../../platform/clock.ts';
import { createTelemetry } from '../../platform/telemetry.ts';
import { type GlobalOptions, readConfig } from '../configuration.ts';
import { interruptible } from '../interrupt.ts';
import { Problem } from '../problem.ts';
import { createIngestContext } from '../recorded/context.ts';
import { gathered, type InputOptions, openRecordings, readInputs, settingsOf } from '../recorded/inputs.ts';
import { awaitDetect, awaitStories, replayIntoLog } from '../recorded/replay-into-log.ts';
import { openReplayTarget } from '../recorded/replay-target.ts';
import { noteStillness } from '../recorded/stillness.ts';
import { createTerminal, progressBar, type Terminal, thousands } from '../terminal.ts';

type Options = InputOptions & GlobalOptions;

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .summary('run recorded events through the service')
    .description(
      'Runs recorded events through the same road as live ones, on the clock of the recording: at any speed with the same ' +
        'result. Works on the data directory, beside a running service or without one, and on Kafka into the running cluster. Events that are there already are ' +
        'recognised, so a replay that was cut short can simply be run again.',
    )
    .argument('<files...>', 'recorded events: NDJSON or a JSON list, gzip too; - is standard input')
    .option('--format <name>', `${FORMATS.join(', ')} (default: mapped with --mapping, else auto)`)
    .option('--mapping <file>', 'how to read events that are not canonical; may be given again', gathered)
    .option('--catalogue <file>', 'what is known of the tools')
    .addHelpText('after', '\nExample:\n  countersign replay march.ndjson.gz april.ndjson.gz')
    .action(async (files: string[], _own: unknown, command: Command) => {
      await replay(files, command.optsWithGlobals<Options>());
    });
}

async function replay(files: readonly string[], options: Options): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const loaded = readConfig(options);
  const inputs = readInputs(options, settingsOf(loaded));
  const { recordings, size_bytes } = await openRecordings(files);
  const telemetry = createTelemetry({ level: options.logLevel ?? 'warn' });
  const target = await openReplayTarget(loaded, telemetry);
  const began = systemClock.elapsed();
  const interrupt = interruptible();
  const signal = AbortSignal.any([interrupt.signal, target.lost]);
  const over = new AbortController();
  const looking = noteStillness(target.log, systemClock, (text) => terminal.note(text), over.signal);
  try {
    const { log } = target;
    const ingest = createIngest({ log, clock: systemClock, telemetry, ...inputs });
    const steps = replayRecords(
      recordings,
      createIngestContext(inputs, systemClock.now()),
      settleRule(inputs.settings.bound_ms),
    );
    const seams = { log, ingest, clock: systemClock, signal };
    const sums = await replayIntoLog(seams, steps, (progress) => {
      const { received } = progress.sums;
      terminal.progress(`${progressBar(progress.bytes_read, size_bytes)}  ${thousands(received)} items`);
    });
    terminal.progress('waiting for detect to catch up');
    const caughtUp = (await awaitDetect(log, systemClock, signal)) && (await awaitStories(log, systemClock, signal));
    if (target.lost.aborted) throw new Problem('service_failed', String(target.lost.reason));
    terminal.progressDone();
    const seconds = Math.round((systemClock.elapsed() - began) / 10) / 100;
    report(terminal, { ...sums, ...(await target.totals()), caught_up: caughtUp, seconds });
  } finally {
    over.abort();
    await looking;
    interrupt.done();
    await target.close();
  }
}

function report(terminal: Terminal, result: Record<string, number | boolean>): void {
  terminal.record(result);
  const count = (name: string): string => thousands(Number(result[name] ?? 0));
  const rate = Number(result.received) / Math.max(0.001, Number(result.seconds));
  terminal.line(`${count('received')} items in ${result.seconds} s (${thousands(Math.round(rate))} a second)`);
  terminal.line(
    `${count('accepted')} accepted, ${count('dead_lettered')} dead-lettered, ${count('absorbed')} absorbed`,
  );
  if (result.events === undefined) {
    terminal.line('appended to the log of the running service, which has scored all of it');
    return;
  }
  terminal.line(
    `the store holds ${count('events')} events of ${count('identities')} identities, ${count('findings')} findings, ` +
      `${count('alerts')} alerts, ${count('dead_letters')} dead letters`,
  );
  terminal.line('start the service (countersign up) to look at the alerts');
}
