/**
 * What we use of kafkajs beside its public interface, typed, in this one file.
 *
 * The public consumer of kafkajs 2.2.4 owns offsets: it jumps when one is out of range, goes on calling handlers after
 * a rebalance, and commits for partitions it has lost. So we use the layer below it: connections with TLS and SASL, the
 * negotiation of versions, and the requests of groups. The version is pinned, and test/kafka/reader-internals.test.ts says what
 * is missing after an update.
 */

import { createRequire } from 'node:module';
import type { AuthenticationProviderArgs, Kafka } from 'kafkajs';

/** A request that kafkajs does not know, encoded by us. */
export type RawRequest<T> = {
  readonly api_key: number;
  readonly api_version: number;
  readonly api_name: string;
  readonly body: Buffer;
  /** Of the response, without its size and correlation id. */
  decode(payload: Buffer): T;
  /** Waits at least so long for the answer; the client's request timeout when that is longer. */
  readonly timeout_ms?: number;
};

/** kafkajs asks encoders only for their bytes, under these two names. */
type Encoded = { readonly buf: Buffer; readonly buffer: Buffer };

type ProtocolRequest<T> = {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<Encoded>;
  };
  readonly response: {
    decode(payload: Buffer): Promise<{ readonly value: T }>;
    parse(decoded: { readonly value: T }): Promise<T>;
  };
  readonly requestTimeout: number | null;
  readonly logResponseError: boolean;
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
  getConnection(index: 0 | 1): Promise<unknown>;
  send<T>(request: ProtocolRequest<T>): Promise<T>;
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

/** Sends a request of our own over the broker's connection for its kind. Rejects with errors of kafkajs. */
export function sendRaw<T>(broker: Broker, request: RawRequest<T>): Promise<T> {
  const { body } = request;
  return broker.connectionPool.send<T>({
    request: {
      apiKey: request.api_key,
      apiVersion: request.api_version,
      apiName: request.api_name,
      encode: async () => ({ buf: body, buffer: body }),
    },
    response: {
      decode: async (payload) => ({ value: request.decode(payload) }),
      parse: async (decoded) => decoded.value,
    },
    requestTimeout: request.timeout_ms ?? null,
    logResponseError: false,
  });
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
