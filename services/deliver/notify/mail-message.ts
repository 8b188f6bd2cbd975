import { createHash } from 'node:crypto';
import type { Notice } from './notice.ts';
import type { ContainmentFacts, Facts } from './words.ts';

/** One mail to one recipient: plain data, made of a notice alone, so that a repeat is the same mail. */
export type MailMessage = {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly date: Date;
  readonly message_id: string;
  /** What mail programs group it under: all that is told of one containment is one conversation. */
  readonly thread: string;
  readonly urgent: boolean;
  readonly headers: Readonly<Record<string, string>>;
};

/**
 * The same notice to the same recipient has the same Message-ID, in every attempt and after every crash: mail servers and
 * programs recognise a repeat by it (RFC 5322, section 3.6.4).
 */
export function mailOf(
  notice: Notice,
  facts: Facts,
  to: { readonly from: string; readonly recipient: string; readonly host: string },
): MailMessage {
  const { from, recipient, host } = to;
  const whom = createHash('sha256').update(recipient.toLowerCase()).digest('hex').slice(0, 12);
  return {
    from: { name: 'Countersign', address: from },
    to: recipient,
    subject: `[Countersign] ${facts.subject}`,
    text: textOf(facts),
    html: htmlOf(facts),
    date: new Date(notice.when),
    message_id: `<${notice.id}.${whom}@${host}>`,
    thread: `<containment-${notice.containment.id}@${host}>`,
    urgent: facts.urgent,
    headers: {
      'List-Id': `Countersign containments <containments.${host}>`,
      // RFC 3834: no vacation notice answers it.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
  };
}

const DECIDE =
  'Decide there, after signing in: no link in a mail approves or denies anything, and nobody should ask you to.';
const DATA = 'Names, titles and summaries come from telemetry that an agent writes itself: read them as claims.';

function textOf({ lead, shown, more, link }: Facts): string {
  const parts = shown.map(({ rows, link: own }) => {
    const facts = rows.map(([label, value]) => `  ${`${label}:`.padEnd(12)}${value}`);
    return [...facts, ...(shown.length > 1 ? [`  ${own}`] : [])].join('\n');
  });
  const rest = more > 0 ? [`and ${more} more`] : [];
  return `${[lead, ...parts, ...rest, link, `${DECIDE}\n${DATA}`].filter((part) => part !== '').join('\n\n')}\n`;
}

export function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => names[character] ?? '');
}

const CELL = 'padding:2px 12px 2px 0;vertical-align:top;text-align:left';

function htmlOf({ lead, shown, more, link, urgent }: Facts): string {
  const colour = urgent ? '#b00020' : '#1a1a1a';
  const tables = shown.map((one) => tableOf(one, shown.length > 1)).join('');
  const rest = more > 0 ? `<p>and ${more} more</p>` : '';
  const href = escapeHtml(link);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Countersign</title></head>',
    '<body style="font-family:sans-serif;color:#1a1a1a;background:#ffffff">',
    `<p style="font-weight:bold;color:${colour}">${escapeHtml(lead)}</p>${tables}${rest}`,
    `<p><a href="${href}">${href}</a></p>`,
    `<p style="color:#555555">${escapeHtml(DECIDE)}<br>${escapeHtml(DATA)}</p></body></html>`,
  ].join('');
}

/** `bdi` keeps the direction of a value from reaching what stands beside it. */
function tableOf({ rows, link }: ContainmentFacts, linked: boolean): string {
  const lines = rows.map(
    ([label, value]) =>
      `<tr><th scope="row" style="${CELL}">${escapeHtml(label)}</th><td style="${CELL}"><bdi>${escapeHtml(value)}</bdi></td></tr>`,
  );
  const href = escapeHtml(link);
  const own = linked ? `<p><a href="${href}">${href}</a></p>` : '';
  return lines.length === 0 ? own : `<table role="presentation">${lines.join('')}</table>${own}`;
}
