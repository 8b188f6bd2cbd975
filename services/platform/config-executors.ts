import type { Config } from '../../schemas/config.ts';
import type { ExecutorConfig, Oauth2ExecutorConfig, SsfExecutorConfig } from '../../schemas/executor-config.ts';
import type { Add } from './config-contradictions.ts';
import type { FieldPath } from './config-sources.ts';
import { checkTarget } from './outbound/target.ts';

/** Name of the executor that `contain.executor_webhook` stands for. */
export const SHORT_FORM = 'webhook';

/** What the fields of executors say against each other. */
export function executorContradictions({ contain, outbound }: Config, add: Add): void {
  const taken = new Set(contain.executor_webhook === undefined ? [] : [SHORT_FORM]);
  for (const [index, executor] of contain.executors.entries()) {
    const at = (name: string): FieldPath => ['contain', 'executors', index, name];
    if (taken.has(executor.name)) {
      const whose = executor.name === SHORT_FORM ? ' (contain.executor_webhook has it)' : '';
      add(at('name'), `is the name of another executor${whose}: give each its own`);
    }
    taken.add(executor.name);
    if (executor.type === 'oauth2') oauth2Contradictions(executor, at, add);
    if (executor.type === 'ssf') ssfContradictions(executor, at, add);
    const policy = {
      allow_private_networks: executor.allow_private_networks,
      allow_plaintext: executor.type === 'webhook' && executor.allow_plaintext,
      ...(outbound.allow !== undefined && { allow_hosts: outbound.allow }),
    };
    for (const [field, url] of urlsOf(executor, index)) {
      const checked = url === undefined ? undefined : checkTarget(url, policy);
      // Of credentials in URLs another rule tells, without showing them.
      if (typeof checked === 'string' && !hasCredentials(url)) add(field, `cannot be sent to: ${checked}`);
    }
  }
}

function oauth2Contradictions(executor: Oauth2ExecutorConfig, at: (name: string) => FieldPath, add: Add): void {
  const { issuer, revocation_endpoint, introspection_endpoint, client_auth } = executor;
  if (issuer === undefined) {
    for (const [name, url] of Object.entries({ revocation_endpoint, introspection_endpoint })) {
      if (url === undefined) add(at(name), 'is missing: name both endpoints, or the issuer whose metadata does');
    }
  }
  const [needed, other] =
    client_auth === 'private_key_jwt'
      ? (['private_key_file', 'client_secret_file'] as const)
      : (['client_secret_file', 'private_key_file'] as const);
  if (executor[needed] === undefined) add(at('client_auth'), `needs a ${needed}`);
  if (executor[other] !== undefined) add(at(other), `is of no use with client_auth ${client_auth}`);
}

function ssfContradictions(executor: SsfExecutorConfig, at: (name: string) => FieldPath, add: Add): void {
  const { subject_format, subject_issuer } = executor;
  if (subject_format === 'iss_sub' && subject_issuer === undefined) {
    add(at('subject_format'), 'needs the issuer that knows the subject: set subject_issuer');
  }
  if (subject_format !== 'iss_sub' && subject_issuer !== undefined) {
    add(at('subject_issuer'), 'is of use only with subject_format iss_sub');
  }
}

type UrlField = [FieldPath, string | undefined];

/** Every URL that something is sent to. */
export function executorUrls(executors: readonly ExecutorConfig[]): UrlField[] {
  return executors.flatMap(urlsOf);
}

function urlsOf(executor: ExecutorConfig, index: number): UrlField[] {
  const at = (...steps: string[]): FieldPath => ['contain', 'executors', index, ...steps];
  switch (executor.type) {
    case 'webhook':
      return [[at('url'), executor.url]];
    case 'oauth2':
      return [
        [at('issuer'), executor.issuer],
        [at('revocation_endpoint'), executor.revocation_endpoint],
        [at('introspection_endpoint'), executor.introspection_endpoint],
        [at('token_source', 'url'), executor.token_source.type === 'http' ? executor.token_source.url : undefined],
      ];
    case 'scim':
      return [[at('base_url'), executor.base_url]];
    case 'ssf':
      return [[at('endpoint'), executor.endpoint]];
  }
}

function hasCredentials(text: string | undefined): boolean {
  const url = text === undefined ? null : URL.parse(text);
  return url !== null && (url.username !== '' || url.password !== '');
}
