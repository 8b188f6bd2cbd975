import type { Config, ProcessRole } from '../../schemas/config.ts';
import { PROCESS_ROLES } from '../../schemas/config.ts';
import { authContradictions, authUrls } from './config-auth.ts';
import { executorContradictions, executorUrls } from './config-executors.ts';
import { kafkaContradictions } from './config-kafka.ts';
import { type ConfigProblem, excerpt, fieldName } from './config-problems.ts';
import { type FieldPath, valueAt } from './config-sources.ts';
import { isLoopback } from './loopback.ts';

/** Says what is wrong with a field that is right by itself. */
export type Add = (field: FieldPath, message: string) => void;

/** What fields that are each right say against each other. */
export function contradictions(
  config: Config,
  found_in: string | undefined,
  placeOf: (field: FieldPath) => string,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add: Add = (field, message) => {
    const value = excerpt(valueAt(config, field));
    problems.push({ code: 'config_contradiction', field: fieldName(field), value, place: placeOf(field), message });
  };
  listenContradictions(config, add);
  storeContradictions(config, add);
  kafkaContradictions(config, add);
  roleContradictions(config, add);
  authContradictions(config, add);
  executorContradictions(config, add);
  for (const field of urlsWithCredentials(config)) {
    problems.push({
      code: 'config_contradiction',
      field: fieldName(field),
      value: undefined,
      place: placeOf(field),
      message: 'carries credentials: take them out, and name a file that holds the secret',
    });
  }
  // Some commands would look for their data where the file is, others where it points to.
  if (found_in !== undefined && found_in !== config.data_dir) {
    add(
      ['data_dir'],
      `stands in a file of data directory ${found_in}: remove it, or keep the file elsewhere (--config)`,
    );
  }
  return problems;
}

/** What is permitted but deserves a line. */
export function advice({ log, store }: Config): string[] {
  if (log.kafka === undefined || store.url !== undefined) return [];
  return [
    'log.kafka is set and store.url is not: baselines and alerts are kept in this data directory alone, so only one ' +
      'process may run detect; set store.url before starting another',
  ];
}

function listenContradictions({ listen }: Config, add: Add): void {
  if (isLoopback(listen.host) || listen.tls !== undefined || listen.allow_plaintext_beyond_loopback) return;
  add(
    ['listen', 'host'],
    'can be reached from other machines, and API keys would cross the network in the clear: set listen.tls, or ' +
      'listen.allow_plaintext_beyond_loopback where a proxy in front speaks TLS',
  );
}

function storeContradictions({ store }: Config, add: Add): void {
  for (const name of ['username', 'password_file', 'ca_file'] as const) {
    if (store[name] !== undefined && store.url === undefined) add(['store', name], 'is of use only with store.url');
  }
  if (store.replicated && store.url === undefined) add(['store', 'replicated'], 'needs a server: set store.url');
  const url = store.url === undefined ? null : URL.parse(store.url);
  if (url?.protocol === 'http:' && !isLoopback(url.hostname) && !store.allow_plaintext) {
    add(
      ['store', 'url'],
      'would send events and the password across the network in the clear: use https, or set store.allow_plaintext ' +
        'where the network itself is protected',
    );
  }
}

/** Roles that read or write the store: with the embedded one they must be in one process. */
const STORE_ROLES: readonly ProcessRole[] = ['detect', 'deliver', 'api'];

function roleContradictions({ roles, log, store }: Config, add: Add): void {
  const missing = PROCESS_ROLES.filter((role) => !roles.includes(role));
  if (log.kafka === undefined) {
    if (missing.length === 0) return;
    add(
      ['roles'],
      `leaves out ${missing.join(', ')}, and no other process can take that over: only one works on the embedded log. ` +
        'Set log.kafka to share the work, or leave roles out',
    );
    return;
  }
  const using = STORE_ROLES.filter((role) => roles.includes(role));
  if (store.url !== undefined || using.length === 0 || using.length === STORE_ROLES.length) return;
  add(
    ['roles'],
    `needs a store that other processes reach: ${STORE_ROLES.join(', ')} work on the same one. Set store.url, or give ` +
      'these roles to one process',
  );
}

function urlsWithCredentials(config: Config): FieldPath[] {
  const { store, log, deliver, contain, audit } = config;
  const urls: [FieldPath, string | undefined][] = [
    ...authUrls(config),
    [['log', 'kafka', 'sasl', 'token_endpoint'], log.kafka?.sasl?.token_endpoint],
    [['store', 'url'], store.url],
    [['deliver', 'webhook', 'url'], deliver.webhook?.url],
    [['contain', 'executor_webhook', 'url'], contain.executor_webhook?.url],
    [['audit', 'webhook', 'url'], audit.webhook?.url],
    ...executorUrls(contain.executors),
  ];
  return urls.flatMap(([field, url]) => {
    const parsed = url === undefined ? null : URL.parse(url);
    return parsed === null || (parsed.username === '' && parsed.password === '') ? [] : [field];
  });
}
