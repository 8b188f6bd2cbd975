import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { SubscriptionEntry } from '../../schemas/subscription.ts';
import type { SubscriptionSource } from '../../services/deliver/subscriptions.ts';
import { settled } from './support.ts';

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

export type Received = {
  readonly path: string;
  readonly id: string;
  readonly timestamp: string;
  readonly signatures: readonly string[];
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Which attempt of this id it was, from 1. */
  readonly attempt: number;
};

/** Answers, or does something worse. */
export type Reply =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'hang'
  | 'reset'
  | 'reset_in_body'
  | 'endless_body'
  | 'no_http';

export type Receiver = {
  readonly url: string;
  readonly received: Received[];
  /** uid:revision of what was received, in order. */
  uids(): string[];
  reply: (request: Received) => Reply;
  close(): Promise<void>;
};

/** A webhook receiver on loopback that checks every signature with the independent `standardwebhooks` package. */
export async function openReceiver(reply: Receiver['reply'] = () => ({ status: 204 })): Promise<Receiver> {
  const received: Received[] = [];
  const seen = new Map<string, number>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const id = String(request.headers['webhook-id']);
      seen.set(id, (seen.get(id) ?? 0) + 1);
      const one: Received = {
        path: request.url ?? '',
        id,
        timestamp: String(request.headers['webhook-timestamp']),
        signatures: String(request.headers['webhook-signature']).split(' '),
        headers: request.headers,
        body: Buffer.concat(parts).toString('utf8'),
        attempt: seen.get(id) as number,
      };
      received.push(one);
      act(response, receiver.reply(one));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    uids: () => received.map(({ body }) => (JSON.parse(body) as { metadata: { uid: string } }).metadata.uid),
    reply,
    close: () => closeServer(server),
  };
  return receiver;
}

function act(response: ServerResponse, reply: Reply): void {
  if (reply === 'hang') return;
  if (reply === 'reset') return void response.socket?.resetAndDestroy();
  if (reply === 'no_http') return void response.socket?.end('220 mail.example ESMTP\r\n');
  if (reply === 'reset_in_body') {
    response.writeHead(500, { 'content-length': '1000' });
    response.write('half of it', () => response.socket?.resetAndDestroy());
    return;
  }
  if (reply === 'endless_body') {
    response.writeHead(500);
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response.on('drain', more);
    response.on('error', () => {});
    more();
    return;
  }
  response.writeHead(reply.status, reply.headers);
  response.end(reply.body);
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** True when the independent package makes the same signature with this secret, for this id, timestamp and body. */
export function signedWith(secret: string, { id, timestamp, body, signatures }: Received): boolean {
  return signatures.includes(new Webhook(secret).sign(id, new Date(Number(timestamp) * 1000), body));
}

export type FakeSubscriptions = SubscriptionSource & {
  /** Says what the control log says when somebody asked another process to try again. */
  retry(id: string): void;
  set(entry: SubscriptionEntry): void;
  remove(id: string): void;
};

export function entryFor(
  url: string,
  changes: {
    readonly subscription?: Partial<SubscriptionEntry['subscription']>;
    readonly status?: Partial<SubscriptionEntry['status']>;
  } = {},
): SubscriptionEntry {
  return {
    subscription: { id: 'siem', url, secrets: [SECRET], format: 'ocsf', severity_min: 'low', ...changes.subscription },
    status: { state: 'active', reason: 'set', since: 0, ...changes.status },
    set_by: { issuer: 'local', subject: 'admin' },
  };
}

/** Subscriptions as the control log would hold them. */
export function fakeSubscriptions(...entries: SubscriptionEntry[]): FakeSubscriptions {
  const held = new Map(entries.map((entry) => [entry.subscription.id, entry]));
  const listeners = new Set<() => void>();
  const changed = (): void => {
    for (const listener of [...listeners]) listener();
  };
  const retrying = new Set<(subscription: string) => void>();
  const source: FakeSubscriptions = {
    retried: (listener) => {
      retrying.add(listener);
      return () => retrying.delete(listener);
    },
    retry: (id) => {
      for (const listener of [...retrying]) listener(id);
    },
    current: () => [...held.values()],
    changed: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = (): void => {
          listeners.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        listeners.add(done);
        signal.addEventListener('abort', done);
      }),
    disableGone: async (entry) => {
      source.set({ ...entry, status: { state: 'disabled', reason: 'gone', since: 1 } });
      return true;
    },
    set: (entry) => {
      held.set(entry.subscription.id, entry);
      changed();
    },
    remove: (id) => {
      held.delete(id);
      changed();
    },
  };
  return source;
}

/** Turns of the event loop that a test waits for in vain before it is ended: minutes, on any machine. */
const TURNS_MAX = 5_000_000;

/** Resolves once the check holds. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await check()); turn++) {
    if (turn === TURNS_MAX) throw new Error(`waited in vain for ${check}`);
    await settled();
  }
}
