import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { isLoopback } from '../platform/config.ts';
import { type Client, createClient } from './client.ts';
import { type GlobalOptions, readConfig } from './configuration.ts';
import { EXIT, Problem } from './problem.ts';

export type ConnectionOptions = GlobalOptions & { readonly url?: string; readonly keyFile?: string };

const TOKEN = /^csk_[0-9a-f]{16}_[A-Za-z0-9_-]{32}$/;

/** Adds the options of every command that asks a running service. */
export function asksService(command: Command): Command {
  return command
    .option('--url <url>', 'the service (default: COUNTERSIGN_URL, else where the configuration listens)')
    .option('--key-file <file>', 'file that holds the API key (default: COUNTERSIGN_API_KEY)');
}

/** A client for the service and the key that options and environment name. A key is never taken from the arguments. */
export function connect(options: ConnectionOptions): Client {
  return createClient({ url: urlOf(options), key: keyOf(options) });
}

/** The key at hand, if there is one. Throws a Problem when what is there is no key. */
export function keyAtHand({ keyFile }: ConnectionOptions): string | undefined {
  const from = keyFile === undefined ? 'COUNTERSIGN_API_KEY' : keyFile;
  const text = keyFile === undefined ? process.env.COUNTERSIGN_API_KEY : readKeyFile(keyFile);
  if (text === undefined || text.trim() === '') return undefined;
  if (TOKEN.test(text.trim())) return text.trim();
  throw new Problem('key_malformed', `what ${from} holds is no API key; one looks like csk_…_…`, EXIT.usage);
}

function keyOf(options: ConnectionOptions): string {
  const key = keyAtHand(options);
  if (key !== undefined) return key;
  throw new Problem(
    'key_missing',
    'no API key: set COUNTERSIGN_API_KEY, or name a file that holds one with --key-file.\n' +
      'The first start of `countersign up` shows the first keys; `countersign keys create` makes more.',
    EXIT.usage,
  );
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem('key_unreadable', `cannot read the key file ${file}: ${(error as Error).message}`, EXIT.usage);
  }
}

/** Origin of the service, without a slash at the end. */
export function urlOf(options: ConnectionOptions): string {
  const given = options.url ?? process.env.COUNTERSIGN_URL;
  if (given === undefined || given === '') return ownUrl(options);
  const url = URL.parse(given);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Problem('url_malformed', `${given} is no URL of a service; write http://127.0.0.1:7788`, EXIT.usage);
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    const message = `${url.origin} is another machine, and the API key would cross the network in the clear: use https`;
    throw new Problem('url_in_the_clear', message, EXIT.usage);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function ownUrl(options: ConnectionOptions): string {
  const { host, port, tls } = readConfig(options).config.listen;
  if (port === 0) {
    const message = 'the configuration takes any free port: name the service with --url or COUNTERSIGN_URL';
    throw new Problem('url_unknown', message, EXIT.usage);
  }
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };
  const name = everywhere[host] ?? (host.includes(':') ? `[${host}]` : host);
  return `${tls === undefined ? 'http' : 'https'}://${name}:${port}`;
}
