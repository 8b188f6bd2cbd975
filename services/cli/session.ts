import { type Command, InvalidArgumentError } from 'commander';
import type { Client } from './client.ts';
import { type ConnectionOptions, connect } from './connection.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** What a command that asks the service works with. */
export type Session<Options> = {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly options: Options & ConnectionOptions;
};

/** Makes a commander action of a function that gets a session and the arguments. */
export function inSession<Options>(
  run: (session: Session<Options>, ...args: string[]) => Promise<void>,
): (...given: unknown[]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const options = command.optsWithGlobals<Options & ConnectionOptions>();
    const terminal = createTerminal({ json: options.json === true });
    await run({ client: connect(options), terminal, options }, ...(given.slice(0, -2) as string[]));
  };
}

/** Reads a whole number of an option; what is none is not understood. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
}
