import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The real service, `countersign up`, as a process of its own that a test may kill. */
export type ServiceProcess = {
  readonly url: string;
  readonly tokens: Readonly<Record<string, string>>;
  readonly pid: number;
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
};

const MAIN = fileURLToPath(new URL('../../services/cli/main.ts', import.meta.url));

/** Starts the service on a data directory and any free port; resolves once it listens. */
export async function startService(dataDir: string, environment: NodeJS.ProcessEnv = {}): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [MAIN, '--data', dataDir, '--log-level', 'error', '--json', 'up'], {
    env: { ...process.env, COUNTERSIGN_LISTEN_PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const complaints: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  const exited = exitOf(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const started = JSON.parse(line) as { listening?: string; credentials: { name: string; token: string }[] };
    if (started.listening === undefined) {
      complaints.push(line);
      continue;
    }
    return {
      url: started.listening,
      tokens: Object.fromEntries(started.credentials.map(({ name, token }) => [name, token])),
      pid: child.pid ?? 0,
      async kill(signal) {
        child.kill(signal);
        return exited;
      },
    };
  }
  throw new Error(`the service ended with ${await exited} before it listened: ${complaints.join('')}`);
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

/** A directory of its own for a test, and the way to be rid of it. */
export async function temporaryDirectory(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'countersign-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Calls the API and gives back status and JSON body. */
export async function call(
  service: { readonly url: string },
  token: string,
  path: string,
  body?: { readonly json?: unknown; readonly text?: string; readonly type?: string },
): Promise<{ status: number; body: never }> {
  const response = await fetch(`${service.url}${path}`, {
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': body.type ?? 'application/json' }),
    },
    ...(body === undefined ? {} : { method: 'POST', body: body.text ?? JSON.stringify(body.json) }),
  });
  return { status: response.status, body: (await response.json()) as never };
}
