import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

/** One order as a tool gateway got it, its signature checked by the independent package. */
export type Order = { readonly key: string; readonly containment: string };

export type Gateway = {
  readonly url: string;
  /** Every request that came, repeats too. */
  readonly orders: Order[];
  /** What could not be verified. */
  readonly complaints: unknown[];
  close(): Promise<void>;
};

/** A tool gateway on loopback that counts what it got. */
export async function openGateway(secret: string): Promise<Gateway> {
  const orders: Order[] = [];
  const complaints: unknown[] = [];
  const server = createServer(async (incoming, response) => {
    try {
      const headers = incoming.headers as Record<string, string>;
      const message = new Webhook(secret).verify(await text(incoming), headers) as { data: { containment: string } };
      orders.push({ key: headers['webhook-id'] ?? '', containment: message.data.containment });
      response.writeHead(204).end();
    } catch (error) {
      complaints.push(error);
      response.writeHead(400).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    orders,
    complaints,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
