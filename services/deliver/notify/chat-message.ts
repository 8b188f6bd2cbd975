import type { ChatKind } from '../../../schemas/notify.ts';
import type { Notice } from './notice.ts';
import { approvalsOf, type ContainmentFacts, type Facts } from './words.ts';

/** The body of one message to a chat, as JSON. */
export function chatBody(kind: ChatKind, notice: Notice, facts: Facts): string {
  if (kind === 'slack') return JSON.stringify(slackOf(facts));
  if (kind === 'teams') return JSON.stringify(teamsOf(facts));
  return JSON.stringify(dataOf(notice, facts));
}

/** Bounds of Slack's blocks: https://docs.slack.dev/reference/block-kit/blocks */
const SLACK = { header: 150, text: 3000, fallback: 300 } as const;

/**
 * Slack's incoming webhook. What an agent may have written stands in `plain_text` objects, where no markup, mention or
 * link is read, or is escaped as Slack asks; the one link is ours.
 */
function slackOf(facts: Facts): object {
  const { subject, lead, shown, more, link } = facts;
  return {
    text: escapeSlack(subject.slice(0, SLACK.fallback)),
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plainText(subject, SLACK.header) },
      { type: 'section', text: plainText(lead, SLACK.text) },
      ...shown.flatMap(({ rows }) =>
        rows.length === 0 ? [] : [{ type: 'section', text: plainText(linesOf(rows), SLACK.text) }],
      ),
      ...(more > 0 ? [{ type: 'section', text: plainText(`and ${more} more`, SLACK.text) }] : []),
      {
        type: 'section',
        text: { type: 'mrkdwn', text: `<${escapeSlack(link)}|Look at it and decide>`, verbatim: true },
      },
    ],
  };
}

const linesOf = (rows: ContainmentFacts['rows']): string =>
  rows.map(([label, value]) => `${label}: ${value}`).join('\n');

function plainText(text: string, most: number): object {
  return { type: 'plain_text', emoji: false, text: text.slice(0, most).toWellFormed() };
}

function escapeSlack(text: string): string {
  return text.toWellFormed().replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * A card for a Teams workflow ("when a webhook request is received"). Runs of a RichTextBlock are the one kind of text in
 * which no Markdown is read.
 */
function teamsOf({ subject, lead, shown, more, link, urgent }: Facts): object {
  const run = (text: string, bold = false): object => ({ type: 'TextRun', text, ...(bold && { weight: 'Bolder' }) });
  const block = (...inlines: object[]): object => ({ type: 'RichTextBlock', inlines });
  const title = {
    type: 'TextRun',
    text: subject,
    weight: 'Bolder',
    size: 'Medium',
    ...(urgent && { color: 'Attention' }),
  };
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(title),
      block(run(lead)),
      ...shown.flatMap(({ rows }, index) =>
        rows.map(([label, value], at) => ({
          ...block(run(`${label}: `, true), run(value)),
          spacing: at === 0 ? 'Medium' : 'Small',
          ...(at === 0 && index > 0 && { separator: true }),
        })),
      ),
      ...(more > 0 ? [block(run(`and ${more} more`))] : []),
    ],
    actions: [{ type: 'Action.OpenUrl', title: 'Look at it and decide', url: link }],
  };
  return {
    type: 'message',
    attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card }],
  };
}

/** For programs: facts as data. `detail: link` leaves out what it is about. */
function dataOf(notice: Notice, { subject, lead, urgent, shown, more, link }: Facts): object {
  return {
    type: `containment.${notice.kind}`,
    timestamp: new Date(notice.when).toISOString(),
    data: {
      notice: notice.id,
      subject,
      lead,
      urgent,
      link,
      more,
      containments: shown.map(({ containment, link: own, rows }) => ({
        id: containment.id,
        link: own,
        ...(rows.length > 0 && {
          state: containment.state,
          digest: containment.digest,
          tenant: containment.terms.tenant,
          severity: containment.terms.alert.severity,
          action: containment.terms.recommendation.action,
          approvals: { given: approvalsOf(containment), needed: containment.terms.policy.approvals },
          approval_expires: new Date(containment.approval_expires).toISOString(),
          facts: Object.fromEntries(rows.map(([label, value]) => [label.toLowerCase().replaceAll(' ', '_'), value])),
        }),
      })),
    },
  };
}
