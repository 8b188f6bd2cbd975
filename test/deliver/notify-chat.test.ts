import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { ChatKind } from '../../schemas/notify.ts';
import { chatTarget } from '../../services/deliver/notify/chat.ts';
import { type Notice, noticeAbout } from '../../services/deliver/notify/notice.ts';
import { factsOf, plain } from '../../services/deliver/notify/words.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { post } from '../../services/platform/http-post.ts';
import { decodeWebhookSecret } from '../../services/platform/standard-webhooks.ts';
import { containmentOf, filterOf, NOW } from './notify-support.ts';
import { openReceiver, type Receiver, SECRET, signedWith } from './receiver.ts';

const PUBLIC_URL = 'https://countersign.example.com';
const LINK = `${PUBLIC_URL}/containments/${containmentOf(1).id}`;
const proposed = noticeAbout('proposed', containmentOf(1), NOW);

async function stage(t: TestContext, kind: ChatKind, reply?: Receiver['reply'], detail: 'full' | 'link' = 'full') {
  const receiver = await openReceiver(reply ?? (() => ({ status: 200, body: 'ok' })));
  t.after(() => receiver.close());
  const target = chatTarget({
    name: 'soc',
    kind,
    url: new URL(receiver.url),
    key: kind === 'webhook' ? decodeWebhookSecret(SECRET) : undefined,
    policy: { allow_private_networks: false },
    filter: filterOf({ detail }),
    public_url: PUBLIC_URL,
    clock: systemClock,
    post,
  });
  const send = (notice: Notice = proposed) => target.send(notice, new AbortController().signal);
  const body = (): unknown => JSON.parse(receiver.received.at(-1)?.body ?? 'null');
  return { receiver, send, body };
}

/** Every text in a message, with the field that it stands in. */
function texts(value: unknown, field = ''): [string, string][] {
  if (typeof value === 'string') return [[field, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => texts(inner, Array.isArray(value) ? field : name));
}

describe('chats over HTTP', () => {
  test('Slack: blocks of plain text, and one link', async (t) => {
    const { send, body } = await stage(t, 'slack');
    assert.deepEqual(await send(), { kind: 'sent' });
    const message = body() as { text: string; blocks: { type: string; text: { type: string; text: string } }[] };
    assert.match(message.text, /^Approval needed: restrict tool mail\.send of agent-7 \(high\)$/);
    const kinds = message.blocks.map(({ text }) => text.type);
    assert.deepEqual(kinds, ['plain_text', 'plain_text', 'plain_text', 'mrkdwn']);
    assert.equal(message.blocks.at(-1)?.text.text, `<${LINK}|Look at it and decide>`);
    assert.match(message.blocks[2]?.text.text ?? '', /Approvals: 0 of 2\nExpires: 2027-01-16 08:00 UTC/);
  });

  test('Teams: an adaptive card without Markdown, and one link', async (t) => {
    const { send, body } = await stage(t, 'teams');
    assert.deepEqual(await send(), { kind: 'sent' });
    const { attachments } = body() as { attachments: { contentType: string; content: Record<string, unknown> }[] };
    const [card] = attachments;
    assert.equal(card?.contentType, 'application/vnd.microsoft.card.adaptive');
    const blocks = card?.content.body as { type: string }[];
    assert.ok(blocks.every(({ type }) => type === 'RichTextBlock'));
    assert.deepEqual(card?.content.actions, [{ type: 'Action.OpenUrl', title: 'Look at it and decide', url: LINK }]);
    const said = texts(blocks).map(([, text]) => text);
    for (const fact of ['agent-7, agent', 'restrict tool', 'mail.send', 'high', '0 of 2'])
      assert.ok(said.includes(fact), fact);
  });

  test('a program: signed data under the same id in every attempt', async (t) => {
    const { send, body, receiver } = await stage(t, 'webhook');
    await send();
    await send();
    const [first, second] = receiver.received;
    assert.ok(first && second && signedWith(SECRET, first));
    assert.equal(first.id, second.id);
    assert.equal(first.body, second.body);
    const message = body() as { type: string; data: { link: string; containments: Record<string, unknown>[] } };
    assert.equal(message.type, 'containment.proposed');
    assert.equal(message.data.link, LINK);
    const [one] = message.data.containments;
    assert.deepEqual(one?.approvals, { given: 0, needed: 2 });
    assert.equal(one?.digest, containmentOf(1).digest);
  });

  for (const kind of ['slack', 'teams', 'webhook'] as const) {
    test(`${kind}: "detail: link" says nothing of what it is about`, async (t) => {
      const { send, receiver } = await stage(t, kind, undefined, 'link');
      await send();
      const body = receiver.received[0]?.body ?? '';
      assert.doesNotMatch(body, /agent-7|mail\.send|12 MB|payments|restrict/);
      assert.ok(body.includes(LINK));
    });
  }

  test('answers: what to try again, and when', async (t) => {
    let status = 429;
    const headers = { 'retry-after': '7' };
    const { send } = await stage(t, 'slack', () => ({ status, headers, body: 'rate_limited' }));
    assert.deepEqual(await send(), {
      kind: 'failed',
      reason: 'unavailable',
      detail: 'HTTP 429 rate_limited',
      retry_after_ms: 7000,
    });
    for (const [code, reason] of [
      [500, 'unavailable'],
      [403, 'refused'],
      [410, 'refused'],
      [302, 'refused'],
    ] as const) {
      status = code;
      const answer = await send();
      assert.equal(answer.kind === 'failed' && answer.reason, reason, String(code));
    }
  });
});

describe('what an agent wrote', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.constantFrom(
      '<!channel> <@U1> <https://evil.example|Approve>',
      '[Approve](https://evil.example) **now** www.evil.example mailto:a@b',
      '\u202eevil\u2066\u200b\u{e0041} \r\nBcc: x',
    ),
  );

  test('is one bounded line without control, direction and invisible characters, and no link', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 64 }), (text, most) => {
        const shown = plain(text, most);
        assert.ok([...shown].length <= most);
        assert.ok(shown.isWellFormed());
        assert.doesNotMatch(shown, /[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029]/u);
        assert.doesNotMatch(shown, /:\/\/|\bwww\.|\bmailto:/i);
        assert.equal(plain(shown, most), shown, 'made harmless once and for all');
      }),
    );
  });

  test('opens no markup, mention or link in any chat', async (t) => {
    const sent = await Promise.all(
      (['slack', 'teams', 'webhook'] as const).map(async (kind) => ({ kind, ...(await stage(t, kind)) })),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const terms = {
          identity: { id: text, kind: 'agent', name: text },
          recommendation: { action: 'restrict_tool', target: text, parameters: {}, reason: text },
        } as const;
        const notice = noticeAbout('proposed', containmentOf(1, { terms, alert: { title: text, summary: text } }), NOW);
        for (const { kind, send, body } of sent) {
          assert.deepEqual(await send(notice), { kind: 'sent' });
          const said = texts(body());
          const links = said.flatMap(([, one]) => one.match(/https?:\/\/[^\s|>"]+/g) ?? []);
          const ours = links.filter((link) => !link.startsWith('http://adaptivecards.io/'));
          assert.deepEqual(new Set(ours), new Set([LINK]), kind);
          if (kind !== 'slack') continue;
          const { text: fallback } = body() as { text: string };
          assert.doesNotMatch(fallback, /[<>]/);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('a message of many shows some and counts the rest', () => {
    const others = Array.from({ length: 19 }, (_, at) => containmentOf(at + 2));
    const facts = factsOf(noticeAbout('proposed', containmentOf(1), NOW, others), {
      public_url: PUBLIC_URL,
      detail: 'full',
    });
    assert.equal(facts.shown.length + facts.more, 20);
    assert.equal(facts.link, `${PUBLIC_URL}/containments`);
    assert.match(facts.subject, /and 19 more$/);
    assert.equal(facts.lead, '20 containments wait for approval.');
  });
});
