import type { Command } from 'commander';
import { type Check, examine, verdictOf } from '../../platform/doctor/doctor.ts';
import { readConfig } from '../configuration.ts';
import { asksService, type ConnectionOptions } from '../connection.ts';
import { gatherFacts } from '../doctor/facts.ts';
import { EXIT } from '../problem.ts';
import { createTerminal, printable, type Style, type Terminal } from '../terminal.ts';

type Options = ConnectionOptions & { readonly deep: boolean };

export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .summary('check runtime, disk, log, store, clock and sums')
    .description(
      'Checks runtime, disk, log, store, clock, and that nothing was lost or counted twice, and says what to do about what ' +
        'is wrong. Works beside a running service, which then needs an API key for the sums of detect, and without one. ' +
        'Ends with 1 when a check fails.',
    )
    .option('--no-deep', 'leave out the check of the whole log file, which takes seconds a gigabyte')
    .addHelpText('after', '\nExample:\n  countersign --data /var/lib/countersign doctor');
  asksService(command).action(async (_own: unknown, own: Command) => {
    await doctor(own.optsWithGlobals<Options>());
  });
}

async function doctor(options: Options): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const checks = examine(await gatherFacts(readConfig(options), options));
  const verdict = verdictOf(checks);
  for (const check of checks) terminal.record(check);
  if (!terminal.json) show(terminal, checks, verdict);
  if (verdict === 'fail') process.exitCode = EXIT.failed;
}

const COLOURS: Readonly<Record<Check['status'], Style>> = { ok: 'green', warn: 'yellow', fail: 'red' };
const VERDICTS: Readonly<Record<Check['status'], string>> = {
  ok: 'All is well.',
  warn: 'Nothing fails; see the warnings.',
  fail: 'Something is wrong; see the remedies.',
};

function show(terminal: Terminal, checks: readonly Check[], verdict: Check['status']): void {
  terminal.table(
    ['check', '', 'finding'],
    checks.map(({ check, status, detail, remedy }) => [
      check,
      terminal.style(COLOURS[status], status),
      remedy === undefined
        ? printable(detail, 600)
        : `${printable(detail, 600)}\n${terminal.style('bold', '->')} ${printable(remedy, 600)}`,
    ]),
    { flexible: 2 },
  );
  terminal.line();
  terminal.line(terminal.style(COLOURS[verdict], VERDICTS[verdict]));
}
