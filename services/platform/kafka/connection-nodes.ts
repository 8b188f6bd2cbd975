import type { KafkaClient } from './connection.ts';
import { failureOf } from './connection-errors.ts';
import { type Broker, brokerFactory, errorOfCode } from './internals.ts';

export type NodeAddress = { readonly host: string; readonly port: number };

/** Connections to the brokers of a cluster, one set of them for each user that must not wait for others. */
export type KafkaNodes = {
  /**
   * Does the work with a connected broker, `any` when it does not matter which. One that stops answering is given up:
   * whatever else waits for it fails too, and it is connected anew when next asked for.
   */
  use<T>(node: number | 'any', work: (broker: Broker) => Promise<T>): Promise<T>;
  destroy(): void;
};

/** What a broker says that nobody can reach at the moment; metadata has to be read anew. */
const LEADER_NOT_AVAILABLE = 5;

type Node = { readonly broker: Broker; readonly address: NodeAddress; opening: Promise<unknown> | undefined };

export function createNodes(options: {
  readonly client: KafkaClient;
  readonly addresses: ReadonlyMap<number, NodeAddress>;
  readonly brokers: readonly string[];
  readonly fetches: boolean;
  /** Throws for hosts that must not be spoken to in the clear. */
  readonly assertSafe: (host: string) => void;
}): KafkaNodes {
  const { client, addresses, fetches } = options;
  const make = brokerFactory(client.kafka);
  const seeds = options.brokers.map(parseAddress);
  const nodes = new Map<string, Node>();

  const nodeAt = async (address: NodeAddress): Promise<Node> => {
    const name = `${address.host}:${address.port}`;
    const known = nodes.get(name);
    if (known !== undefined) return known;
    options.assertSafe(address.host);
    const made: Node = { broker: await make(address), address, opening: undefined };
    const raced = nodes.get(name);
    if (raced !== undefined) return raced;
    nodes.set(name, made);
    return made;
  };
  const giveUp = (node: Node): void => {
    const name = `${node.address.host}:${node.address.port}`;
    if (nodes.get(name) !== node) return;
    nodes.delete(name);
    client.destroy(node.address);
  };
  const useAt = async <T>(address: NodeAddress, work: (broker: Broker) => Promise<T>): Promise<T> => {
    const node = await nodeAt(address);
    try {
      await open(node, { fetches });
      return await work(node.broker);
    } catch (error) {
      if (failureOf(error).kind === 'connection') giveUp(node);
      throw error;
    }
  };
  const useAny = async <T>(work: (broker: Broker) => Promise<T>): Promise<T> => {
    const connected = [...nodes.values()].find(({ broker }) => broker.isConnected());
    const candidates = [...(connected === undefined ? [] : [connected.address]), ...addresses.values(), ...seeds];
    const tried = new Set<string>();
    let failed: unknown;
    for (const address of candidates) {
      const name = `${address.host}:${address.port}`;
      if (tried.has(name)) continue;
      tried.add(name);
      try {
        return await useAt(address, work);
      } catch (error) {
        if (failureOf(error).kind !== 'connection') throw error;
        failed = error;
      }
    }
    throw failed;
  };
  return {
    use: (node, work) => {
      if (node === 'any') return useAny(work);
      const address = addresses.get(node);
      if (address === undefined) return Promise.reject(errorOfCode(LEADER_NOT_AVAILABLE));
      return useAt(address, work);
    },
    destroy: () => client.destroy(),
  };
}

/** Opens each connection once: kafkajs would open a second socket for a request that comes meanwhile. */
function open(node: Node, { fetches }: { readonly fetches: boolean }): Promise<unknown> {
  node.opening ??= (async () => {
    await node.broker.connect();
    await node.broker.connectionPool.getConnection(0);
    if (fetches) await node.broker.connectionPool.getConnection(1);
  })().finally(() => {
    node.opening = undefined;
  });
  return node.opening;
}

/** `host:port`, or `[address]:port` for version 6. */
function parseAddress(broker: string): NodeAddress {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(broker.slice(colon + 1)) };
}
