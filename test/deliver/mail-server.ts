import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** What a real SMTP server was given, read by an independent parser. */
export type Mail = {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  readonly secure: boolean;
  readonly raw: string;
  readonly parsed: ParsedMail;
};

export type MailServer = {
  readonly port: number;
  readonly mails: Mail[];
  /** Resolves with the mails once there are so many. */
  arrived(count: number): Promise<readonly Mail[]>;
  /** Connections that were made, also those that came to nothing. */
  connections(): number;
  close(): Promise<void>;
};

export type Certificate = { readonly ca: string; readonly cert: string; readonly key: string };

/** A certificate for `localhost`, by an authority that nobody knows. */
export function makeCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-mail-'));
  const openssl = (...args: readonly string[]): void =>
    void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-subj', '/CN=authority', '-days', '2', '-out', 'ca.crt');
    openssl('req', ...key, '-keyout', 'own.key', '-subj', '/CN=localhost', '-out', 'own.csr');
    writeFileSync(join(folder, 'own.ext'), 'subjectAltName=DNS:localhost');
    const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'own.ext'];
    openssl('x509', '-req', '-in', 'own.csr', ...by, '-days', '2', '-out', 'own.crt');
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    return { ca: read('ca.crt'), cert: read('own.crt'), key: read('own.key') };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A real SMTP server on loopback. `options` are those of the smtp-server package. */
export async function openMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const waiting = new Set<() => void>();
  let connections = 0;
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect(_session, callback) {
      connections += 1;
      callback();
    },
    onData(stream, session, callback) {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', async () => {
        const raw = Buffer.concat(parts);
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          user: typeof session.user === 'string' ? session.user : undefined,
          secure: session.secure,
          raw: raw.toString('utf8'),
          parsed: await simpleParser(raw),
        });
        callback();
        for (const look of waiting) look();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    connections: () => connections,
    arrived: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (mails.length < count) return;
          waiting.delete(look);
          resolve(mails);
        };
        waiting.add(look);
        look();
      }),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** An answer of the server that is not yes, with its code. */
export function refusing(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}
