import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { systemClock } from '../../platform/clock.ts';
import { decodeWebhookSecret, verifyWebhook } from '../../platform/standard-webhooks.ts';

/** What the gateway was asked to do. */
export type Order = {
  readonly id: string;
  readonly action: string;
  readonly target: string;
  readonly identity: string;
  readonly approved_by: readonly string[];
};

export type Gateway = { readonly url: string; close(): Promise<void> };

const BODY_BYTES_MAX = 256 * 1024;

/**
 * Stands in for a company's tool gateway: takes orders of the webhook executor on loopback, believes only those that are
 * signed with the secret, and carries out each once.
 */
export async function openGateway(secret: string, onOrder: (order: Order) => void): Promise<Gateway> {
  const key = decodeWebhookSecret(secret);
  if (key === undefined) throw new RangeError('the secret of the gateway is not one of Standard Webhooks');
  const done = new Set<string>();
  const server = createServer(async (request, response) => {
    const payload = await readBody(request);
    const header = (name: string): string => String(request.headers[name] ?? '');
    const id = header('webhook-id');
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': header('webhook-timestamp'),
      'webhook-signature': header('webhook-signature'),
    };
    if (payload === undefined || !verifyWebhook(headers, { now_ms: systemClock.now(), payload, keys: [key] })) {
      response.writeHead(401).end();
      return;
    }
    if (!done.has(id)) {
      done.add(id);
      onOrder(orderOf(id, payload));
    }
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/containments`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: AsyncIterable<Buffer>): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += part.length;
    if (length > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const Payload = z.object({
  type: z.literal('containment.execute'),
  data: z.object({
    action: z.string(),
    target: z.string(),
    identity: z.string(),
    approved_by: z.array(z.object({ by: z.object({ subject: z.string() }) })),
  }),
});

/** What is signed is the executor's own message, so its shape is not in doubt. */
function orderOf(id: string, payload: Buffer): Order {
  const { action, target, identity, approved_by } = Payload.parse(JSON.parse(payload.toString('utf8'))).data;
  return { id, action, target, identity, approved_by: approved_by.map(({ by }) => by.subject) };
}
