#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { assertLimits } from '../../schemas/limits.ts';
import { registerBacktest } from './commands/backtest.ts';
import { registerReplay } from './commands/replay.ts';
import { registerUp } from './commands/up.ts';
import { EXIT, Problem } from './problem.ts';
import { printable } from './terminal.ts';

/** The command line: what there is, what it is called, and how it ends. The commands are in `commands/`. */
function createProgram(): Command {
  const program = new Command('countersign')
    .description(
      'Says when an AI agent stops behaving like itself, explains why, and lets humans countersign what is done.',
    )
    .option('--data <directory>', 'data directory (default: ./.countersign)')
    .option('--config <file>', 'configuration file (default: countersign.yaml in the data directory)')
    .option('--json', 'machine-readable output: NDJSON on standard output')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .showHelpAfterError('(countersign --help lists the commands)')
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  registerBacktest(program);
  registerReplay(program);
  registerUp(program);
  for (const command of program.commands) command.exitOverride();
  return program;
}

const EXIT_CODES = `
Exit status:
  0 done   1 failed, or a check found something wrong   2 not understood
  3 service not reachable, or data in use   4 refused by the service   130 stopped by Ctrl-C`;

async function main(): Promise<number> {
  assertLimits();
  try {
    await createProgram().parseAsync(process.argv);
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Problem) {
      if (process.argv.includes('--json')) {
        process.stdout.write(`${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`);
      }
      for (const line of error.message.split('\n')) process.stderr.write(`countersign: ${printable(line, 2000)}\n`);
      return error.exit;
    }
    throw error;
  }
}

process.exitCode = await main();
