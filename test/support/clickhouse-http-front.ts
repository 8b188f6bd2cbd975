import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * ClickHouse's HTTP interface in front of chDB, for tests of what only a wire can do. It runs in a process of its own:
 * chDB takes one data directory per process, a killed server is a killed process, and its answers must not share an
 * event loop with the client under test. It is a stand-in for a server, never proof about one.
 */
export type Fault =
  /** Nothing listens any more. */
  | { readonly kind: 'refuse' }
  /** The connection is cut before anything was done, amid the body, or after all was done. */
  | { readonly kind: 'reset_before' | 'reset_mid_body' | 'reset_after' }
  /** No answer, whether the statement ran or not, until `heal` cuts the connection. */
  | { readonly kind: 'hang_before' | 'hang_after' }
  /** What a proxy in between answers. */
  | { readonly kind: 'status'; readonly status: 500 | 502 | 503 }
  /** The first half of the answer, then the end of the connection. */
  | { readonly kind: 'truncated' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** ClickHouse's own refusal, in place of running the statement. */
  | { readonly kind: 'exception'; readonly code: number; readonly type: string };

export type FaultPlan = {
  readonly fault: Fault;
  readonly on: 'insert' | 'statement';
  /** Requests that suffer it; all until `heal` where absent. */
  readonly times?: number;
};

export type ToChild = { readonly plan: FaultPlan } | 'heal' | 'close';
export type FromChild = { readonly port: number } | 'done';

export type Front = {
  readonly url: string;
  inject(plan: FaultPlan): Promise<void>;
  heal(): Promise<void>;
  /** SIGKILL, amid whatever it does. */
  kill(): Promise<void>;
  /** The same data on the same port again. */
  restart(): Promise<void>;
  close(): Promise<void>;
};

/** `copy_of`: a directory of chDB with the data to begin with, which nothing else has open; it stays as it is. */
export async function startFront({ copy_of }: { readonly copy_of?: string } = {}): Promise<Front> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-front-'));
  if (copy_of !== undefined) await cp(copy_of, directory, { recursive: true });
  let { child, port } = await launch(directory, 0);
  const tell = async (message: ToChild): Promise<void> => {
    const answered = once(child, 'message');
    child.send(message);
    await answered;
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    inject: (plan) => tell({ plan }),
    heal: () => tell('heal'),
    kill,
    async restart() {
      await kill();
      ({ child, port } = await launch(directory, port));
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = once(child, 'exit');
        child.send('close' satisfies ToChild);
        await ended;
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function launch(directory: string, port: number): Promise<{ child: ChildProcess; port: number }> {
  const program = new URL('./clickhouse-http-child.ts', import.meta.url);
  const child = fork(program, [directory, String(port)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ready = once(child, 'message');
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`the HTTP front ended with status ${code} before it listened`);
  });
  const [message] = (await Promise.race([ready, failed])) as [FromChild];
  failed.catch(() => undefined);
  if (message === 'done') throw new Error('the HTTP front did not say its port');
  return { child, port: message.port };
}
