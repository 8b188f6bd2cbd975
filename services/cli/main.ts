#!/usr/bin/env node
import { CommanderError } from 'commander';
import { assertLimits } from '../../schemas/limits-agree.ts';
import { EXIT, Problem } from './problem.ts';
import { createProgram } from './program.ts';
import { printable } from './terminal.ts';

/** Runs one command and says how it ended. */
async function main(): Promise<number> {
  assertLimits();
  // Whoever reads the output may stop reading (`| head`): that is no failure, and nothing more is to be said.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
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
