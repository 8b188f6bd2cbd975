/**
 * What we use of kafkajs beside its public interface, typed, in this one file.
 *
 * The public consumer of kafkajs 2.2.4 owns offsets: it jumps when one is out of range, goes on calling handlers after
 * a rebalance, and commits for partitions it has lost. So we use the layer below it: connections with TLS and SASL, the
 * negotiation of versions, and the requests of groups. The version is pinned, and test/kafka/reader-internals.test.ts says what
 * is missing after an update.
 */

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { AuthenticationProviderArgs, Kafka } from 'kafkajs';

/** A request that kafkajs does not know, encoded by us. */
export type RawRequest<T> = {
  readonly api_key: number;
  readonly api_version: number;
  readonly api_name: string;
  /** In pieces where it is large: they are sent from where they stand, so they must not change before the answer. */
  readonly body: Buffer | readonly Buffer[];
  /** Of the response, without its size and correlation id. */
  decode(payload: Buffer): T;
  /** Waits at least so long for the answer; the client's request timeout when that is longer. */
  readonly timeout_ms?: number;
};

type TopicPartitions<P> = readonly { readonly topic: string; readonly partitions: readonly P[] }[];

type MemberOfGroup = { readonly groupId: string; readonly memberId: string };

/** Connections to one broker: one for fetches, one for everything else. */
export type Broker = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  listOffsets(request: {
    readonly replicaId: -1;
    readonly isolationLevel: 0 | 1;
    readonly topics: TopicPartitions<{ readonly partition: number; readonly timestamp: -1 | -2 }>;
  }): Promise<{
    readonly responses: TopicPartitions<{ readonly partition: number; readonly offset: string }>;
  }>;
  findGroupCoordinator(request: { readonly groupId: string; readonly coordinatorType: 0 }): Promise<{
    readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number };
  }>;
  syncGroup(
    request: MemberOfGroup & {
      readonly generationId: number;
      readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[];
    },
  ): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: MemberOfGroup & { readonly groupGenerationId: number }): Promise<unknown>;
  leaveGroup(request: MemberOfGroup): Promise<unknown>;
  offsetCommit(
    request: MemberOfGroup & {
      readonly groupGenerationId: number;
      readonly topics: TopicPartitions<{
        readonly partition: number;
        readonly offset: string;
        readonly metadata: string | null;
      }>;
    },
  ): Promise<unknown>;
  readonly connectionPool: ConnectionPool;
};

type ConnectionPool = {
  readonly host: string;
  readonly port: number;
  /** Connects the connection of that number: 0 for most requests, 1 for fetches. */
  getConnection(index: 0 | 1): Promise<Connection>;
};

type Connection = {
  readonly clientId: string;
  readonly socket: Socket;
  readonly requestQueue: { push(request: QueuedRequest): void };
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  /** Throws kafkajs's error for a broken connection. */
  failIfNotConnected(): void;
  nextCorrelationId(): number;
};

type QueuedRequest = {
  readonly entry: {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly correlationId: number;
    /** `payload` is the response without its size and correlation id. */
    resolve(answer: { readonly payload: Buffer }): void;
    reject(error: unknown): void;
  };
  readonly expectResponse: true;
  readonly requestTimeout: number | null;
  /** Called once it is the request's turn. */
  sendRequest(): void;
};

type InternalCluster = {
  readonly rootLogger: unknown;
  readonly connectionPoolBuilder: {
    build(destination: { readonly host: string; readonly port: number }): Promise<ConnectionPool>;
  };
  readonly brokerPool: {
    createBroker(options: { readonly connectionPool: ConnectionPool; readonly logger: unknown }): Broker;
  };
};

const CREATE_CLUSTER = 'private:Kafka:createCluster';

/** Makes brokers by address, with the settings of the client. Throws when kafkajs is not the version we know. */
export function brokerFactory(kafka: Kafka): (address: { host: string; port: number }) => Promise<Broker> {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === CREATE_CLUSTER);
  if (symbol === undefined) throw new Error('this version of kafkajs has no createCluster: install the pinned one');
  const { [symbol]: createCluster } = kafka as unknown as Record<
    symbol,
    (options: { readonly isolationLevel: 1; readonly allowAutoTopicCreation: false }) => InternalCluster
  >;
  const cluster = createCluster?.({ isolationLevel: 1, allowAutoTopicCreation: false });
  if (cluster === undefined) throw new Error('this version of kafkajs makes no cluster: install the pinned one');
  return async (address) =>
    cluster.brokerPool.createBroker({
      connectionPool: await cluster.connectionPoolBuilder.build(address),
      logger: cluster.rootLogger,
    });
}

const FETCH = 1;

/**
 * Sends a request of our own over the broker's connection for its kind. Rejects with errors of kafkajs.
 *
 * kafkajs's own way to its queue of requests copies the body twice, each time into zeroed memory of up to twice its size:
 * for batches of records that costs more than to encode them.
 */
export async function sendRaw<T>(broker: Broker, request: RawRequest<T>): Promise<T> {
  const { api_key, api_name, api_version, timeout_ms = null } = request;
  const connection = await broker.connectionPool.getConnection(api_key === FETCH ? 1 : 0);
  if (!connection.isAuthenticated()) await connection.authenticate();
  const { payload } = await new Promise<{ readonly payload: Buffer }>((resolve, reject) => {
    connection.failIfNotConnected();
    const correlationId = connection.nextCorrelationId();
    connection.requestQueue.push({
      entry: { apiKey: api_key, apiName: api_name, apiVersion: api_version, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: timeout_ms,
      sendRequest: () => write(connection, request, correlationId),
    });
  });
  return request.decode(payload);
}

/** Size, head of version 1, and body, in one write to the system. */
function write({ clientId, socket }: Connection, request: RawRequest<unknown>, correlation: number): void {
  const pieces = Buffer.isBuffer(request.body) ? [request.body] : request.body;
  const client = Buffer.from(clientId);
  const head = Buffer.allocUnsafe(14 + client.length);
  head.writeInt32BE(
    pieces.reduce((bytes, piece) => bytes + piece.length, head.length - 4),
    0,
  );
  head.writeInt16BE(request.api_key, 4);
  head.writeInt16BE(request.api_version, 6);
  head.writeInt32BE(correlation, 8);
  head.writeInt16BE(client.length, 12);
  head.set(client, 14);
  socket.cork();
  socket.write(head);
  for (const piece of pieces) socket.write(piece);
  socket.uncork();
}

type RequestQueue = { readonly pending: readonly unknown[] };

const load = createRequire(import.meta.url);

/**
 * After every answer kafkajs sets a timer that looks after requests that wait for their turn, by a negative time when none
 * does: Node warns about that. Without waiting requests there is nothing to look after.
 */
function calmRequestQueues(): void {
  const { prototype } = load('kafkajs/src/network/requestQueue') as {
    readonly prototype: RequestQueue & { scheduleCheckPendingRequests(): void };
  };
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
calmRequestQueues();

type ErrorOfCode = Error & { readonly type: string; readonly code: number };

const protocolErrors = load('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): ErrorOfCode;
};

/** kafkajs's error for an error code of the protocol, for answers that we decode ourselves. */
export function errorOfCode(code: number): ErrorOfCode {
  return protocolErrors.createErrorFromCode(code);
}

type Credentials = { readonly username: string; readonly password: string };
type ScramProvider = (args: AuthenticationProviderArgs) => { authenticate(): Promise<void> };

/** kafkajs's SCRAM (RFC 5802, RFC 7677). */
export function scramProvider(mechanism: 'scram-sha-256' | 'scram-sha-512', credentials: Credentials): ScramProvider {
  const file = mechanism === 'scram-sha-256' ? 'scram256' : 'scram512';
  const provider = load(`kafkajs/src/broker/saslAuthenticator/${file}`) as (of: Credentials) => ScramProvider;
  return provider(credentials);
}
