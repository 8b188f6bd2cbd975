import { isIP, connect as netConnect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { LIMITS } from '../../../schemas/limits.ts';
import type { Clock } from '../clock.ts';
import { LogUnavailable } from '../event-log.ts';
import type { Telemetry } from '../telemetry.ts';
import { type Arenas, createArenas } from './arenas.ts';
import { failureOf, isTransient, unavailable } from './connection-errors.ts';
import { createNodes, type KafkaNodes, type NodeAddress } from './connection-nodes.ts';
import { assertSafe, assertSafeHost, clientSecurity } from './security.ts';
import type { KafkaSettings } from './settings.ts';

export type ClientOptions = {
  /** Of kafkajs itself; none by default, because we repeat what fails ourselves. */
  readonly retry?: KafkaConfig['retry'];
  /** A request without an answer fails after so long. */
  readonly request_ms?: number;
};

export type NodesOptions = ClientOptions & {
  /** Whether they fetch, which takes a second connection to each broker. */
  readonly fetches?: boolean;
};

/** A client of kafkajs with sockets of its own. */
export type KafkaClient = {
  readonly kafka: Kafka;
  /**
   * Breaks connections: all that waits on them fails at once. Without an address all of them, and every later one.
   */
  destroy(address?: { readonly host: string; readonly port: number }): void;
};

/** The way to one cluster. Whoever must not wait for others' requests takes a client or nodes of its own. */
export type KafkaConnection = {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Addresses of brokers as far as known; whoever reads metadata adds to them. */
  readonly addresses: Map<number, NodeAddress>;
  /** Memory for large requests, shared by all writers. */
  readonly arenas: Arenas;
  client(options?: ClientOptions): KafkaClient;
  nodes(options?: NodesOptions): KafkaNodes;
  /**
   * Does the work, and does it again while Kafka cannot for the moment, for at most `kafka_retry_ms_max`. Rejects with
   * LogUnavailable, or with what the work threw that is not Kafka's.
   */
  persist<T>(doing: string, work: () => Promise<T>): Promise<T>;
  readonly closed: AbortSignal;
  /** Breaks all connections; what still waits rejects with LogUnavailable (`closed`). */
  close(): void;
};

const RETRY_MS = 20;
const RETRY_MS_MAX = 500;
const KEEP_ALIVE_MS = 60_000;
/** Kept for the next large requests: a transaction of the usual size takes one, and few are under way at a time. */
const ARENAS = { kept: 4, bytes: 2 * LIMITS.kafka_group_bytes_max } as const;

/** Throws KafkaUnusable when the settings are not safe. */
export function openConnection(options: {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}): KafkaConnection {
  const { settings, clock, telemetry } = options;
  assertSafe(settings);
  const clients = new Set<KafkaClient>();
  const closing = new AbortController();
  const closed = closing.signal;
  const addresses = new Map<number, NodeAddress>();

  const client = (clientOptions: ClientOptions = {}): KafkaClient => {
    if (closed.aborted) throw closedError();
    const made = createClient(settings, clientOptions);
    const destroy: KafkaClient['destroy'] = (address) => {
      if (address === undefined) clients.delete(made);
      made.destroy(address);
    };
    clients.add(made);
    return { ...made, destroy };
  };
  const persist = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    const started = clock.elapsed();
    for (let pause = RETRY_MS; ; pause = Math.min(2 * pause, RETRY_MS_MAX)) {
      if (closed.aborted) throw closedError();
      try {
        return await work();
      } catch (error) {
        if (closed.aborted) throw closedError();
        const late = clock.elapsed() - started + pause > LIMITS.kafka_retry_ms_max;
        if (late || !isTransient(failureOf(error))) throw unavailable(error, doing);
      }
      await clock.sleep(pause, closed);
    }
  };
  return {
    settings,
    clock,
    telemetry,
    addresses,
    arenas: createArenas(ARENAS),
    client,
    nodes: ({ fetches = false, ...clientOptions } = {}) =>
      createNodes({
        client: client(clientOptions),
        addresses,
        brokers: settings.brokers,
        fetches,
        assertSafe: (host) => assertSafeHost(settings, host),
      }),
    persist,
    closed,
    close: () => {
      closing.abort();
      for (const made of clients) made.destroy();
      clients.clear();
    },
  };
}

export function closedError(): LogUnavailable {
  return new LogUnavailable('closed', 'the connection to Kafka was closed');
}

function createClient(settings: KafkaSettings, options: ClientOptions): KafkaClient {
  const sockets = createSockets();
  const kafka = new Kafka({
    ...kafkaConfig(settings),
    requestTimeout: options.request_ms ?? LIMITS.kafka_request_ms,
    retry: options.retry ?? { retries: 0 },
    socketFactory: sockets.open,
  });
  return { kafka, destroy: sockets.destroy };
}

/** Settings of kafkajs for our settings. It does not log: what it rejects with is reported where it matters. */
function kafkaConfig(settings: KafkaSettings): KafkaConfig {
  return {
    brokers: [...settings.brokers],
    clientId: settings.client_id,
    connectionTimeout: LIMITS.kafka_connect_ms,
    authenticationTimeout: LIMITS.kafka_request_ms,
    enforceRequestTimeout: true,
    logLevel: logLevel.NOTHING,
    ...clientSecurity(settings),
  };
}

/** Sockets without Nagle's delay that can be broken from outside: kafkajs waits for what is under way before it ends. */
function createSockets() {
  const open = new Map<Socket, string>();
  let ended = false;
  // Only an error makes kafkajs fail the requests that wait for an answer.
  const giveUp = (socket: Socket): void => void socket.destroy(new Error('the connection was given up'));
  return {
    open: ((args) => {
      const { host, port, ssl, onConnect } = args;
      // kafkajs hands over `ssl: null` for plaintext, which its types do not say.
      const secure = (ssl as typeof ssl | null | undefined) ?? undefined;
      const socket =
        secure === undefined
          ? netConnect({ host, port, noDelay: true }, onConnect)
          : tlsConnect({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...secure }, onConnect);
      if (secure !== undefined) socket.setNoDelay(true);
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      open.set(socket, `${host}:${port}`);
      socket.once('close', () => open.delete(socket));
      if (ended) giveUp(socket);
      return socket;
    }) satisfies NonNullable<KafkaConfig['socketFactory']>,
    destroy: (address?: { readonly host: string; readonly port: number }): void => {
      ended ||= address === undefined;
      ended ||= address === undefined;
      for (const [socket, at] of [...open]) {
        if (address === undefined || at === `${address.host}:${address.port}`) giveUp(socket);
      }
    },
  };
}
