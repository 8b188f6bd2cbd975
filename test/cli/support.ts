import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));

const STUCK_MS = 180_000;

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
type Environment = Readonly<Record<string, string>>;

/** Nothing of the caller's configuration reaches a test. */
export function environment(more: Environment = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(COUNTERSIGN_|npm_|NODE_TEST_|FORCE_COLOR|NO_COLOR)/.test(name),
  );
  return { ...Object.fromEntries(kept), ...more };
}

/** Starts the real command line on the project's own runtime. */
export function start(args: readonly string[], env: Environment = {}): ChildProcess {
  return spawn(process.execPath, [MAIN, ...args], { env: environment(env), stdio: ['pipe', 'pipe', 'pipe'] });
}

export async function run(
  args: readonly string[],
  { env = {}, stdin }: { readonly env?: Environment; readonly stdin?: string | Buffer } = {},
): Promise<Ended> {
  const child = start(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin?.end(stdin);
  // A command that does not end must not hold up the whole suite.
  const stuck = setTimeout(() => child.kill('SIGKILL'), STUCK_MS);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(stuck);
  return { code, stdout, stderr };
}

/** The lines of NDJSON output. */
export function records(ended: Ended): Record<string, unknown>[] {
  return ended.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

export async function tempDir(t: { after(clean: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'countersign-cli-'));
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

export type Up = {
  readonly url: string;
  /** Tokens by the name of their holder; of the first start only. */
  readonly keys: Environment;
  /** Environment for commands of the administrator. */
  readonly env: Environment;
  stop(): Promise<number | null>;
};

/** `countersign up` on a data directory and any free port. */
export async function up(data: string, env: Environment = {}): Promise<Up> {
  const child = start(['--data', data, '--json', '--log-level', 'error', 'up'], {
    COUNTERSIGN_LISTEN_PORT: '0',
    ...env,
  });
  child.stderr?.pipe(process.stderr);
  const closed = once(child, 'close') as Promise<[number | null]>;
  if (child.stdout === null) throw new Error('a child with pipes has a standard output');
  const lines = createInterface({ input: child.stdout });
  const first = await Promise.race([once(lines, 'line').then(([line]) => String(line)), closed.then(() => undefined)]);
  if (first === undefined) throw new Error('the service did not start');
  const { listening, credentials } = JSON.parse(first) as {
    readonly listening: string;
    readonly credentials: readonly { readonly name: string; readonly token: string }[];
  };
  const keys = Object.fromEntries(credentials.map(({ name, token }) => [name, token]));
  return {
    url: listening,
    keys,
    env: { COUNTERSIGN_URL: listening, ...(keys.admin !== undefined && { COUNTERSIGN_API_KEY: keys.admin }) },
    async stop() {
      child.kill('SIGTERM');
      return (await closed)[0];
    },
  };
}

/** A small fleet in which a sweep and a new tool server raise alerts. */
const STORIES = 'resource_sweep:1,rogue_plugin:1,volume_burst:1,prompt_injection_hijack:1';
export const FLEET = ['--seed', '3', '--identities', '16', '--days', '16', '--stories', STORIES];
export const FLEET_IDENTITIES = 16;
export const FLEET_EVENTS = 14_321;
