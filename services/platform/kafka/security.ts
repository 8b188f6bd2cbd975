import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { KafkaConfig } from 'kafkajs';
import { isLoopback } from '../loopback.ts';
import { failureOf } from './connection-errors.ts';
import { KafkaUnusable } from './errors.ts';
import { saslOptions } from './sasl.ts';
import type { KafkaSettings, KafkaTls } from './settings.ts';

/** Codes of OpenSSL and Node.js for certificates that nobody we trust vouches for, https://nodejs.org/api/tls.html. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CERT_REVOKED',
  'CERT_REJECTED',
  'CERT_UNTRUSTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);
const HOSTNAME = 'ERR_TLS_CERT_ALTNAME_INVALID';
const TLS_FAILED = /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$)/;

const CREDENTIALS_REFUSED: ReadonlySet<string> = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'KafkaJSSASLAuthenticationError',
  'TokenRefused',
]);

/** TLS and SASL as kafkajs wants them. */
export function clientSecurity({ tls, sasl }: KafkaSettings): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  return {
    ...(tls === undefined ? {} : { ssl: tlsOptions(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOptions(sasl) }),
  };
}

function tlsOptions({ ca, cert, key, server_name }: KafkaTls) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(server_name === undefined ? {} : { servername: server_name }),
  };
}

/** Throws KafkaUnusable when events or secrets would cross a network in the clear, or when a certificate is no such thing. */
export function assertSafe(settings: KafkaSettings): void {
  for (const broker of settings.brokers) assertSafeHost(settings, broker.slice(0, broker.lastIndexOf(':')));
  if (settings.tls === undefined) return;
  try {
    assertCertificates(settings.tls.ca);
    createSecureContext(tlsOptions(settings.tls));
  } catch (error) {
    throw new KafkaUnusable(
      'kafka_tls_failed',
      'ca, certificate or key of log.kafka.tls cannot be used: they must be PEM, and the key that of the certificate',
      { cause: error },
    );
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Node.js passes over what it cannot read among the authorities, and would trust none. */
function assertCertificates(ca: string | undefined): void {
  if (ca === undefined) return;
  const found = ca.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw new Error('no certificate');
  for (const pem of found) new X509Certificate(pem);
}

/** The same for a host that a cluster names as one of its brokers. */
export function assertSafeHost({ tls, sasl, allow_plaintext }: KafkaSettings, host: string): void {
  if (tls !== undefined || allow_plaintext || isLoopback(host)) return;
  if (sasl?.mechanism === 'plain' || sasl?.mechanism === 'oauthbearer') {
    throw new KafkaUnusable(
      'kafka_sasl_without_tls',
      `${host} would be sent password or token in the clear: set log.kafka.tls, or use scram-sha-512 and log.kafka.allow_plaintext`,
    );
  }
  throw new KafkaUnusable(
    'kafka_plaintext',
    `${host} is another machine, and events would cross the network in the clear: set log.kafka.tls, or log.kafka.allow_plaintext`,
  );
}

/** What is wrong with certificates or credentials, if that is why a connection failed; by codes, never by texts. */
export function securityProblem(error: unknown): KafkaUnusable | undefined {
  const cause = { cause: error };
  const { type } = failureOf(error);
  if (CREDENTIALS_REFUSED.has(type)) {
    return new KafkaUnusable(
      'kafka_credentials_refused',
      `the brokers refuse the credentials (${type}): correct log.kafka.sasl, and its mechanism`,
      cause,
    );
  }
  const code = socketCode(error);
  if (code === undefined) return undefined;
  if (code === HOSTNAME) {
    return new KafkaUnusable(
      'kafka_tls_hostname',
      "the broker's certificate bears another name: use that one in log.kafka.brokers, or set log.kafka.tls.server_name",
      cause,
    );
  }
  if (UNTRUSTED.has(code)) {
    return new KafkaUnusable(
      'kafka_tls_untrusted',
      `the broker's certificate is not trusted (${code}): name its authority in log.kafka.tls.ca_file`,
      cause,
    );
  }
  if (!TLS_FAILED.test(code)) return undefined;
  return new KafkaUnusable(
    'kafka_tls_failed',
    `no TLS connection comes about (${code}): check the port, and whether the broker asks for a client certificate`,
    cause,
  );
}

/** The code of what a socket failed with; kafkajs passes it on, wrapped. */
function socketCode(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}
