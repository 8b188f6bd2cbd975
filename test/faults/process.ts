import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { DetectArguments } from './detect-child.ts';
import type { FromService, ServiceArguments, ToService } from './service-child.ts';

export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it ended by itself. */
  readonly message: string | undefined;
};

/** One process of the service. */
export type ServiceHandle = {
  readonly pid: number;
  /** Undefined until it listens, and when it is gone. */
  readonly url: () => string | undefined;
  readonly tokens: () => Readonly<Record<string, string>>;
  readonly listening: Promise<boolean>;
  readonly ended: Promise<Ended>;
  alive(): boolean;
  tell(message: ToService): void;
  signal(signal: NodeJS.Signals): void;
};

export function startServiceChild(given: ServiceArguments, output: string): ServiceHandle {
  const child = forkTo(new URL('./service-child.ts', import.meta.url), given, output);
  let url: string | undefined;
  let tokens: Readonly<Record<string, string>> = {};
  let message: string | undefined;
  let gone = false;
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = true;
      url = undefined;
      resolve({ code, signal, message: message ?? (signal === null && code !== 0 ? tailOf(output) : undefined) });
    });
  });
  const listening = new Promise<boolean>((resolve) => {
    child.on('message', (said: FromService) => {
      if (said.kind === 'ended') ({ message } = said);
      else if (said.kind === 'keys') ({ tokens } = said);
      else {
        ({ url } = said);
        resolve(true);
      }
    });
    void ended.then(() => resolve(false));
  });
  return {
    pid: child.pid ?? 0,
    url: () => url,
    tokens: () => tokens,
    listening,
    ended,
    alive: () => !gone,
    tell: (said) => void (child.connected && child.send(said, () => {})),
    signal: (signal) => void child.kill(signal),
  };
}

/** Detect alone over a log, as a process. */
export type DetectHandle = { readonly ended: Promise<Ended>; signal(signal: NodeJS.Signals): void };

export function startDetectChild(given: DetectArguments, output: string): DetectHandle {
  const child = forkTo(new URL('./detect-child.ts', import.meta.url), given, output);
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', (code, signal) => {
      const failed = signal === null && code !== 0;
      resolve({ code, signal, message: failed ? tailOf(output) : undefined });
    });
  });
  return { ended, signal: (signal) => void child.kill(signal) };
}

function forkTo(program: URL, given: unknown, output: string): ChildProcess {
  const file = openSync(output, 'a');
  const child = fork(program, [JSON.stringify(given)], { stdio: ['ignore', file, file, 'ipc'] });
  closeSync(file);
  return child;
}

/** The last of what a process said that is not a line of its log. */
function tailOf(path: string): string {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines
    .filter((line) => !line.startsWith('{"level":') && line !== '')
    .slice(-12)
    .join('\n')
    .slice(-1500);
}
