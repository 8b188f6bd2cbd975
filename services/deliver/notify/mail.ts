import { createHash } from 'node:crypto';
import { createTransport } from 'nodemailer';
import { LIMITS } from '../../../schemas/limits.ts';
import type { NoticeFilter, NotifyReason } from '../../../schemas/notify.ts';
import type { SendAnswer, Target } from './lane.ts';
import { type MailMessage, mailOf } from './mail-message.ts';
import { factsOf } from './words.ts';

export type MailServer = {
  readonly host: string;
  readonly port: number;
  /** `starttls`: nothing is said in the clear but the wish for TLS. */
  readonly tls: 'starttls' | 'implicit' | 'none';
  /** Authorities in PEM; absent: those that Node.js knows. */
  readonly ca: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
};

export type Mailer = { send(message: MailMessage, signal: AbortSignal): Promise<SendAnswer> };

/** Sends one mail a connection, a few at a time. */
export function createMailer(server: MailServer): Mailer {
  const { host, port, tls, ca, username, password } = server;
  const transport = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) },
    ...(username !== undefined && { auth: { user: username, pass: password ?? '' }, forceAuth: true }),
    connectionTimeout: LIMITS.notify_mail_step_ms,
    greetingTimeout: LIMITS.notify_mail_step_ms,
    socketTimeout: LIMITS.notify_mail_step_ms,
    dnsTimeout: LIMITS.notify_mail_step_ms,
    maxResponseSize: 64 * 1024,
    // Nothing in a message may make the sender read files or fetch addresses.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const turn = createTurns(LIMITS.notify_mail_connections_max);
  return {
    send: (message, signal) =>
      turn(async () => {
        if (signal.aborted) return { kind: 'aborted' };
        try {
          await transport.sendMail({ ...mimeOf(message), signal });
          return { kind: 'sent' };
        } catch (error) {
          return signal.aborted ? { kind: 'aborted' } : failureOf(error);
        }
      }),
  };
}

function mimeOf(message: MailMessage) {
  const { from, to, subject, text, html, date, message_id, thread, urgent, headers } = message;
  return {
    from,
    to,
    // Each recipient has a mail of its own: a refused address is nobody else's.
    envelope: { from: from.address, to: [to] },
    subject,
    text,
    html,
    date,
    messageId: message_id,
    references: thread,
    inReplyTo: thread,
    headers,
    ...(urgent && { priority: 'high' as const }),
  };
}

/** Lets so many works run at a time. */
function createTurns(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

const REASONS: Readonly<Record<string, NotifyReason>> = {
  ETIMEDOUT: 'timeout',
  ETLS: 'tls',
  EAUTH: 'authentication',
  ENOAUTH: 'authentication',
};

/** Codes of OpenSSL and of Node.js for a peer that cannot prove who it is. */
const TLS_CODE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|HOSTNAME_MISMATCH)/;

/** Sorts a failure by its codes: what the server refuses for good, and what may go through later. */
function failureOf(error: unknown): SendAnswer {
  const of = (reason: NotifyReason): SendAnswer => ({
    kind: 'failed',
    reason,
    detail: detailOf(error),
    retry_after_ms: 0,
  });
  const code = textOf(error, 'code') ?? '';
  const original = textOf(error, 'originalCode') ?? '';
  const known = REASONS[code];
  if (known !== undefined) return of(known);
  if (TLS_CODE.test(code) || TLS_CODE.test(original)) return of('tls');
  const permanent = error instanceof Error && 'permanent' in error ? error.permanent : undefined;
  if (permanent === true) return of('refused');
  return of(permanent === false ? 'unavailable' : 'unreachable');
}

/** The server's words are hostile text: one line, bounded. */
function detailOf(error: unknown): string {
  const words = textOf(error, 'response') ?? (error instanceof Error ? error.message : String(error));
  return words.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, LIMITS.webhook_error_chars_max);
}

function textOf(error: unknown, field: 'code' | 'originalCode' | 'response'): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const value = (error as Error & Partial<Record<typeof field, unknown>>)[field];
  return typeof value === 'string' ? value : undefined;
}

/** One recipient of mail. */
export function mailTarget(options: {
  readonly mailer: Mailer;
  readonly from: string;
  readonly address: string;
  readonly filter: NoticeFilter;
  readonly public_url: string;
}): Target {
  const { mailer, from, address, filter, public_url } = options;
  const host = new URL(public_url).hostname.replaceAll(/[[\]:]/g, '') || 'countersign';
  return {
    position: `deliver.notify.mail.${createHash('sha256').update(address.toLowerCase()).digest('hex').slice(0, 16)}`,
    channel: 'mail',
    to: masked(address),
    filter,
    send(notice, signal) {
      const facts = factsOf(notice, { public_url, detail: filter.detail });
      return mailer.send(mailOf(notice, facts, { from, recipient: address, host }), signal);
    },
  };
}

/** `a***@example.com`: whoever may read the status need not learn addresses. */
function masked(address: string): string {
  const at = address.lastIndexOf('@');
  return `${address.slice(0, 1)}***${address.slice(at)}`;
}
