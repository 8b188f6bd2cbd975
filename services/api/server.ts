import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { LIMITS } from '../../schemas/limits.ts';
import { buildApp, type Tls } from './app.ts';
import { buildHealthApp, type HealthPorts } from './health-app.ts';
import type { Ports } from './ports.ts';

export type ListenOptions = {
  /** An address or a name; `127.0.0.1` when absent. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls?: Tls;
  /** Without TLS, keys cross the network in the clear: only who says so explicitly gets that. */
  readonly allow_plaintext_beyond_loopback?: boolean;
};

export type Listening = {
  readonly kind: 'listening';
  readonly app: FastifyInstance;
  /** `http://127.0.0.1:7788`, with the true port. */
  readonly url: string;
  readonly port: number;
  /** Takes no new requests, ends streams, lets running requests finish. */
  close(): Promise<void>;
};

/** Each is explained in docs/errors.md. */
export const LISTEN_CODES = [
  'plaintext_beyond_loopback',
  'address_in_use',
  'address_unavailable',
  'address_forbidden',
] as const;

export type ListenRefused = {
  readonly kind: 'refused';
  readonly code: (typeof LISTEN_CODES)[number];
  readonly message: string;
};

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Builds the API and listens, on this machine only unless there is TLS or an explicit permission. */
export function listen(ports: Ports, options: ListenOptions): Promise<Listening | ListenRefused> {
  return listenWith((tls) => buildApp(ports, tls), options);
}

/** The same for a process that has no API: health and metrics. */
export function listenForHealth(ports: HealthPorts, options: ListenOptions): Promise<Listening | ListenRefused> {
  return listenWith((tls) => buildHealthApp(ports, tls), options);
}

async function listenWith(
  build: (options: { readonly tls?: Tls }) => Promise<FastifyInstance>,
  options: ListenOptions,
): Promise<Listening | ListenRefused> {
  const { host = '127.0.0.1', port, tls, allow_plaintext_beyond_loopback = false } = options;
  if (tls === undefined && !allow_plaintext_beyond_loopback && !LOOPBACK.test(host)) {
    return {
      kind: 'refused',
      code: 'plaintext_beyond_loopback',
      message:
        `listen.host is ${host}, and without TLS API keys would cross the network in the clear. ` +
        'Set listen.tls, listen on 127.0.0.1, or set listen.allow_plaintext_beyond_loopback to true.',
    };
  }
  const app = await build(tls === undefined ? {} : { tls });
  app.server.maxConnections = LIMITS.http_connections_max;
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const refused = refusalOf(error, host, port);
    if (refused === undefined) throw error;
    return refused;
  }
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a TCP address');
  const name = isIP(host) === 6 ? `[${host}]` : host;
  return {
    kind: 'listening',
    app,
    port: address.port,
    url: `${tls === undefined ? 'http' : 'https'}://${name}:${address.port}`,
    close: () => app.close(),
  };
}

function refusalOf(error: unknown, host: string, port: number): ListenRefused | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const refused = (name: ListenRefused['code'], what: string): ListenRefused => ({
    kind: 'refused',
    code: name,
    message: `cannot listen on ${host} port ${port}: ${what}`,
  });
  switch (code) {
    case 'EADDRINUSE':
      return refused('address_in_use', 'another process listens there. Stop it, or set listen.port to another one.');
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return refused('address_unavailable', 'this machine has no such address. Correct listen.host.');
    case 'EACCES':
      return refused('address_forbidden', 'this user may not. Choose a port above 1023.');
    default:
      return undefined;
  }
}
