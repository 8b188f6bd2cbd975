import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Requests by their numbers in the protocol, https://kafka.apache.org/protocol#protocol_api_keys. */
export const API = {
  produce: 0,
  fetch: 1,
  metadata: 3,
  find_coordinator: 10,
  init_producer_id: 22,
  add_partitions: 24,
  end_transaction: 26,
} as const;
const NAMES = new Map<number, keyof typeof API>(
  (Object.keys(API) as (keyof typeof API)[]).map((name) => [API[name], name]),
);

/** A request or an answer that comes by. */
export type Passing = { readonly api: keyof typeof API | undefined; readonly way: 'request' | 'answer' };
/** `cut`: it gets no further, and the connection breaks. A promise holds it, and all behind it on its connection. */
export type Fate = 'pass' | 'cut' | Promise<unknown>;

export type KafkaProxy = {
  /** host:port to reach the broker under. */
  readonly broker: string;
  /** Asked for every request and every answer. */
  fate: (passing: Passing) => Fate;
  /** Shown the bytes of every answer before they are passed on, and may change them. */
  touch: (passing: Passing, frame: Buffer) => void;
  /** Breaks all connections. */
  cut(): void;
  close(): Promise<void>;
};

/**
 * Stands between a client and a broker, knows requests and answers, and can keep any of them from arriving. The broker
 * names its own address in answers: the proxy puts its own in the place.
 */
export async function startKafkaProxy(upstream: string): Promise<KafkaProxy> {
  const [host, port] = upstream.split(':') as [string, string];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const broker = connect({ host, port: Number(port) });
    const apis = new Map<number, Passing['api']>();
    const cut = (): void => {
      client.destroy();
      broker.destroy();
    };
    for (const socket of [client, broker]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        cut();
      });
      socket.on('error', cut);
    }
    relay(client, broker, cut, (frame) => {
      const api = NAMES.get(frame.readInt16BE(4));
      apis.set(frame.readInt32BE(8), api);
      return proxy.fate({ api, way: 'request' });
    });
    relay(broker, client, cut, (frame) => {
      const id = frame.readInt32BE(4);
      const api = apis.get(id);
      apis.delete(id);
      rename(frame, own);
      proxy.touch({ api, way: 'answer' }, frame);
      return proxy.fate({ api, way: 'answer' });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = { host, from: Number(port), to: (server.address() as { port: number }).port };
  const proxy: KafkaProxy = {
    broker: `127.0.0.1:${own.to}`,
    fate: () => 'pass',
    touch: () => undefined,
    cut: () => {
      for (const socket of [...sockets]) socket.destroy();
    },
    close: async () => {
      proxy.cut();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

/** Passes whole frames on, in order. */
function relay(from: Socket, to: Socket, cut: () => void, fateOf: (frame: Buffer) => Fate): void {
  let held = Buffer.alloc(0);
  let turn = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 4 && held.length >= 4 + held.readInt32BE(0)) {
      const frame = Buffer.from(held.subarray(0, 4 + held.readInt32BE(0)));
      held = held.subarray(frame.length);
      turn = turn.then(async () => {
        if (to.destroyed) return;
        const fate = fateOf(frame);
        if (fate === 'cut') return cut();
        if (fate !== 'pass') await fate;
        if (!to.destroyed) to.write(frame);
      });
    }
  });
}

/** Puts another port behind every name of the broker's host. */
function rename(frame: Buffer, own: { readonly host: string; readonly from: number; readonly to: number }): void {
  const sought = Buffer.alloc(own.host.length + 4);
  sought.write(own.host);
  sought.writeInt32BE(own.from, own.host.length);
  for (let at = frame.indexOf(sought); at >= 0; at = frame.indexOf(sought, at + 1)) {
    frame.writeInt32BE(own.to, at + own.host.length);
  }
}
