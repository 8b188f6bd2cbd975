import fs from 'node:fs';
import type { Config } from '../../schemas/config.ts';
import { type ConfigProblem, excerpt, fieldName } from './config-problems.ts';
import { type Environment, errorCode, type FieldPath } from './config-sources.ts';

/** Read once, beside the configuration, so that printing one never prints the other. */
export type Secrets = {
  readonly kafka_password: string | undefined;
  readonly store_password: string | undefined;
  readonly ingest_content_hash_key: string | undefined;
  readonly deliver_webhook_secret: string | undefined;
  readonly contain_executor_secret: string | undefined;
  /** Of OpenID providers by their names; absent: a public client. */
  readonly oidc_client_secrets: Readonly<Record<string, string>>;
  readonly audit_webhook_secret: string | undefined;
  readonly notify_mail_password: string | undefined;
  /** Of each of `notify.chat`, in its order: the URL, and what signs the messages. */
  readonly notify_chat: readonly { readonly url: string | undefined; readonly secret: string | undefined }[];
};

const SECRET_BYTES_MAX = 4096;

type SecretSource = {
  readonly field: FieldPath;
  readonly file: string | undefined;
  /** Absent: it comes from a file alone. */
  readonly variable?: string;
};

/** Secrets come from files or the environment, and have no default: what needs one and has none is a problem. */
export function readSecrets(
  config: Config,
  environment: Environment,
  placeOf: (field: FieldPath) => string,
  warnings: string[],
): { readonly secrets: Secrets; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const read: Read = (source, needed) => {
    const secret = readSecret(source, environment, warnings);
    if (secret.problem !== undefined) problems.push({ ...secret.problem, place: placeOf(source.field) });
    else if (secret.value === undefined && needed.by !== undefined) {
      const or = source.variable === undefined ? '' : `, or set ${source.variable}`;
      const message = `needs a secret: name a file in ${fieldName(source.field)}${or}`;
      const place = placeOf(source.field);
      problems.push({ code: 'config_secret_missing', field: needed.by, value: undefined, place, message });
    }
    return secret.value;
  };
  const secrets = { ...secretsOfStages(config, read), ...secretsOfPeople(config, read) };
  return { secrets, problems };
}

type Read = (source: SecretSource, needed: { readonly by: string | undefined }) => string | undefined;
type OfPeople = 'oidc_client_secrets' | 'audit_webhook_secret' | 'notify_mail_password' | 'notify_chat';

/** Of what events pass, from the log to the executor. */
function secretsOfStages(config: Config, read: Read): Omit<Secrets, OfPeople> {
  const { log, store, ingest, deliver, contain } = config;
  const sasl = log.kafka?.sasl;
  return {
    kafka_password: read(
      {
        field: ['log', 'kafka', 'sasl', 'password_file'],
        file: sasl?.password_file,
        variable: 'COUNTERSIGN_LOG_KAFKA_SASL_PASSWORD',
      },
      { by: sasl === undefined || sasl.token_file !== undefined ? undefined : 'log.kafka.sasl' },
    ),
    store_password: read(
      { field: ['store', 'password_file'], file: store.password_file, variable: 'COUNTERSIGN_STORE_PASSWORD' },
      { by: undefined },
    ),
    ingest_content_hash_key: read(
      {
        field: ['ingest', 'content', 'hash_key_file'],
        file: ingest.content.hash_key_file,
        variable: 'COUNTERSIGN_INGEST_CONTENT_HASH_KEY',
      },
      { by: undefined },
    ),
    deliver_webhook_secret: read(
      {
        field: ['deliver', 'webhook', 'secret_file'],
        file: deliver.webhook?.secret_file,
        variable: 'COUNTERSIGN_DELIVER_WEBHOOK_SECRET',
      },
      { by: deliver.webhook === undefined ? undefined : 'deliver.webhook' },
    ),
    contain_executor_secret: read(
      {
        field: ['contain', 'executor_webhook', 'secret_file'],
        file: contain.executor_webhook?.secret_file,
        variable: 'COUNTERSIGN_CONTAIN_EXECUTOR_SECRET',
      },
      { by: contain.executor_webhook === undefined ? undefined : 'contain.executor_webhook' },
    ),
  };
}

/** Of what people sign in with, are told by and hold to account. */
function secretsOfPeople({ auth, audit, notify }: Config, read: Read): Pick<Secrets, OfPeople> {
  return {
    oidc_client_secrets: Object.fromEntries(
      auth.oidc.flatMap(({ name, client_secret_file }, index) => {
        const secret = read(
          {
            field: ['auth', 'oidc', index, 'client_secret_file'],
            file: client_secret_file,
            // One variable cannot say which of several providers it is for.
            variable: auth.oidc.length === 1 ? 'COUNTERSIGN_AUTH_OIDC_CLIENT_SECRET' : '',
          },
          { by: undefined },
        );
        return secret === undefined ? [] : [[name, secret] as const];
      }),
    ),
    audit_webhook_secret: read(
      {
        field: ['audit', 'webhook', 'secret_file'],
        file: audit.webhook?.secret_file,
        variable: 'COUNTERSIGN_AUDIT_WEBHOOK_SECRET',
      },
      { by: audit.webhook === undefined ? undefined : 'audit.webhook' },
    ),
    notify_mail_password: read(
      {
        field: ['notify', 'mail', 'password_file'],
        file: notify.mail?.password_file,
        variable: 'COUNTERSIGN_NOTIFY_MAIL_PASSWORD',
      },
      { by: notify.mail?.username === undefined ? undefined : 'notify.mail.username' },
    ),
    notify_chat: notify.chat.map(({ kind, url_file, secret_file }, at) => ({
      url: read({ field: ['notify', 'chat', at, 'url_file'], file: url_file }, { by: `notify.chat[${at}]` }),
      secret: read(
        { field: ['notify', 'chat', at, 'secret_file'], file: secret_file },
        { by: kind === 'webhook' ? `notify.chat[${at}]` : undefined },
      ),
    })),
  };
}

type ReadSecret = {
  readonly value: string | undefined;
  readonly problem?: Omit<ConfigProblem, 'place'>;
};

function readSecret(source: SecretSource, environment: Environment, warnings: string[]): ReadSecret {
  const { file, variable } = source;
  const refused = (message: string): ReadSecret => ({
    value: undefined,
    problem: { code: 'config_secret_unreadable', field: fieldName(source.field), value: excerpt(file), message },
  });
  const set = variable === undefined ? undefined : environment[variable];
  const variableValue = set === '' ? undefined : set;
  if (file === undefined) return { value: variableValue };
  if (variableValue !== undefined) return refused(`and ${variable} are both set: keep one of them`);
  try {
    const { size, mode } = fs.statSync(file);
    if (size > SECRET_BYTES_MAX) return refused(`is longer than ${SECRET_BYTES_MAX} bytes: this is no secret`);
    const value = fs.readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (value === '') return refused('is empty: write the secret into it');
    if ((mode & 0o077) !== 0) warnings.push(`${excerpt(file)} can be read by other users; chmod 600 it`);
    return { value };
  } catch (error) {
    return refused(`cannot be read (${errorCode(error)}): check its name and rights`);
  }
}
