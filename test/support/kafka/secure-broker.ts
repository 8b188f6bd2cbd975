import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KafkaBroker, startKafka } from './broker.ts';

/** PEM texts. The server's certificate is for `localhost` and no other name. */
export type Certificates = {
  readonly ca: string;
  readonly client: { readonly cert: string; readonly key: string };
  /** An authority that signed none of the others. */
  readonly stranger: string;
};

/** Names of the listeners, each host:port. */
export type SecureListeners = {
  readonly tls: string;
  /** Asks for a client's certificate. */
  readonly mutual: string;
  /** SASL over TLS, every mechanism. */
  readonly sasl_tls: string;
  /** SASL in the clear, SCRAM-SHA-256 only. */
  readonly sasl_clear: string;
  /** In the clear, and tells clients to come to another host. */
  readonly elsewhere: string;
};

export type SecureBroker = {
  readonly broker: KafkaBroker;
  readonly listeners: SecureListeners;
  readonly certificates: Certificates;
  dispose(): Promise<void>;
};

/** Password of `alice`, who may do everything, and of `bob`, who may do nothing. */
export const PASSWORD = 'open-sesame';

const NAMES = ['tls', 'mutual', 'sasl_tls', 'sasl_clear', 'elsewhere'] as const;
const PROTOCOLS = {
  tls: 'SSL',
  mutual: 'SSL',
  sasl_tls: 'SASL_SSL',
  sasl_clear: 'SASL_PLAINTEXT',
  elsewhere: 'PLAINTEXT',
} as const;
const OAUTH = 'org.apache.kafka.common.security.oauthbearer';

/** A broker with a listener for every way to connect, and certificates made with openssl. */
export async function startSecureKafka(): Promise<SecureBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-certificates-'));
  try {
    const certificates = makeCertificates(folder);
    const ports = await Promise.all(NAMES.map(freePort));
    const host = (name: (typeof NAMES)[number]): string => (name === 'elsewhere' ? '127.0.0.1' : 'localhost');
    const listeners = NAMES.map((name, i) => `${name.toUpperCase()}://${host(name)}:${ports[i]}`);
    const own = 'PLAINTEXT://127.0.0.1:{port}';
    const advertised = [own, ...listeners].map((listener) =>
      listener.replace(/^(ELSEWHERE:\/\/)[^:]*/, '$1kafka.test'),
    );
    const broker = await startKafka({
      properties: {
        listeners: [own, 'CONTROLLER://127.0.0.1:{controller}', ...listeners].join(','),
        'advertised.listeners': advertised.join(','),
        'listener.security.protocol.map': [
          'PLAINTEXT:PLAINTEXT',
          'CONTROLLER:PLAINTEXT',
          ...NAMES.map((name) => `${name.toUpperCase()}:${PROTOCOLS[name]}`),
        ].join(','),
        'inter.broker.listener.name': 'PLAINTEXT',
        ...tlsProperties(folder),
        ...saslProperties(),
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:alice;User:CN=client',
      },
      format: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
        ['alice', 'bob'].flatMap((name) => ['--add-scram', `${mechanism}=[name=${name},password=${PASSWORD}]`]),
      ),
    });
    return {
      broker,
      listeners: Object.fromEntries(NAMES.map((name, i) => [name, `${host(name)}:${ports[i]}`])) as SecureListeners,
      certificates,
      dispose: async () => {
        await broker.dispose();
        rmSync(folder, { recursive: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true });
    throw error;
  }
}

function tlsProperties(folder: string): Record<string, string> {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(folder, 'server.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(folder, 'ca.crt'),
    'listener.name.mutual.ssl.client.auth': 'required',
    'ssl.principal.mapping.rules': 'DEFAULT',
  };
}

function saslProperties(): Record<string, string> {
  const prefix = 'listener.name.sasl_tls';
  const users = ['alice', 'bob'].map((name) => `user_${name}="${PASSWORD}"`).join(' ');
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    [`${prefix}.plain.sasl.jaas.config`]: `org.apache.kafka.common.security.plain.PlainLoginModule required ${users};`,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: scram,
    [`${prefix}.oauthbearer.sasl.jaas.config`]: `${OAUTH}.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
    [`${prefix}.oauthbearer.sasl.server.callback.handler.class`]: `${OAUTH}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`,
    [`${prefix}.oauthbearer.sasl.login.callback.handler.class`]: `${OAUTH}.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler`,
    'listener.name.sasl_clear.sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'listener.name.sasl_clear.scram-sha-256.sasl.jaas.config': scram,
  };
}

function makeCertificates(folder: string): Certificates {
  const at = (name: string): string => join(folder, name);
  const read = (name: string): string => readFileSync(at(name), 'utf8');
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = (name: string): void => openssl('genpkey', '-algorithm', 'RSA', '-out', `${name}.key`);
  for (const name of ['ca', 'stranger']) {
    key(name);
    openssl('req', '-x509', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-days', '2', '-out', `${name}.crt`);
  }
  for (const [name, extensions] of [
    ['server', 'subjectAltName=DNS:localhost'],
    ['client', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    key(name);
    writeFileSync(at(`${name}.ext`), extensions);
    openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-days', '2', '-out', `${name}.crt`);
  }
  writeFileSync(at('server.pem'), read('server.key') + read('server.crt'));
  return {
    ca: read('ca.crt'),
    stranger: read('stranger.crt'),
    client: { cert: read('client.crt'), key: read('client.key') },
  };
}

/** A token that says who its bearer is and is signed by nobody (RFC 7519, section 6). */
export function unsecuredToken(subject: string, now_ms: number): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const iat = Math.floor(now_ms / 1000);
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat, exp: iat + 3600 })}.`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
