import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Containment } from '../../../schemas/containment.ts';
import { containmentPage } from '../../../services/api/pages/containment-page.ts';
import { agree } from '../../../services/api/pages/frozen.ts';
import { listPage } from '../../../services/api/pages/list-page.ts';
import { problemPage } from '../../../services/api/pages/problem-page.ts';
import { problemOf } from '../../../services/api/pages/problems.ts';
import { requestPage } from '../../../services/api/pages/request-page.ts';
import { linkPage, signedOutPage, signInPage } from '../../../services/api/pages/sign-in-pages.ts';
import { deceptive, distance, shortDigest, spanText } from '../../../services/api/pages/text.ts';
import { anyAlert, explainedAlert } from '../../ocsf/alerts.ts';
import * as samples from './samples.ts';

const { NOW, VIEWER } = samples;

/** Every page over one alert. */
function pagesOver(alert: ReturnType<typeof explainedAlert>, changes: Partial<Containment> = {}): string[] {
  const containment = samples.containmentOf(changes, alert);
  const frozen = { kind: 'read', alert, evidence: samples.evidenceOf(alert), agrees: true } as const;
  const newer = { ...alert, revision: alert.revision + 1 };
  return [
    containmentPage(samples.pageOf({ containment, frozen, newer, fresh_until: NOW + 60_000 })),
    listPage(samples.listOf({ open: [samples.listed(containment)], ended: [samples.listed(containment)] })),
    requestPage({ viewer: VIEWER, alert, once: 'once' }),
  ];
}

/** Tags by name, in the order in which a browser would see them. */
const tagsOf = (page: string): string[] => [...page.matchAll(/<([a-z][a-z0-9]*)/gi)].map((found) => found[1] ?? '');
const textOf = (page: string): string =>
  page
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
const INVISIBLE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

test('of what waits the gravest comes first, emergencies before all, then what runs out soonest', () => {
  const waiting = (title: string, severity: 'low' | 'critical', approval_expires: number, emergency = false) => {
    const made = samples.containmentOf({ approval_expires });
    const alert = { ...made.terms.alert, severity, title };
    const terms = { ...made.terms, alert, ...(emergency && { break_glass: { why: 'now' } }) };
    return samples.listed({ ...made, terms });
  };
  const open = [
    waiting('fourth', 'low', NOW + 1_000),
    waiting('third', 'critical', NOW + 9_000),
    waiting('second', 'critical', NOW + 5_000),
    waiting('first', 'low', NOW + 9_000, true),
  ];
  const shown = textOf(listPage(samples.listOf({ open, ended: [] })));
  assert.deepEqual(shown.match(/first|second|third|fourth/g), ['first', 'second', 'third', 'fourth']);
});

describe('text that agents write', () => {
  test('is shown as it is and never as markup', () => {
    const plain = pagesOver(explainedAlert()).map(tagsOf);
    const hostile = pagesOver(samples.hostileAlert());
    hostile.forEach((page, index) => {
      assert.ok(page.includes('&lt;/p>&lt;script>alert(1)&lt;/script>'), 'escaped');
      assert.ok(!/<script|<img|onerror=alert\(2\)[^<]*"[^<]*>/i.test(page.replaceAll(/&lt;[^<]*/g, '')), 'no markup');
      const allowed = new Set([...(plain[index] ?? []), 'em', 'strong', 'span']);
      assert.deepEqual(
        tagsOf(page).filter((tag) => !allowed.has(tag)),
        [],
      );
    });
  });

  test('cannot turn around or hide what is beside it', () => {
    for (const page of pagesOver(samples.hostileAlert())) {
      const found = INVISIBLE.exec(page.replaceAll(/ value="[^"]*"/g, ''));
      assert.equal(found, null, found?.input.slice(found.index - 100, found.index + 20));
      assert.ok(page.includes('<span class="escape">\\u202e</span>'), 'an escape in a mark of its own');
      assert.ok(page.includes('<span class="escape">\\u000a</span>'), 'one line stays one line');
    }
    const typed = pagesOver(samples.hostileAlert('typed \\u202e')).join('');
    assert.ok(typed.includes('typed \\u202e') && !typed.includes('class="escape"'), 'a typed escape is no mark');
  });

  test('is isolated in its direction and marked as data, wherever it stands', () => {
    const text = 'agent-wrote-this';
    for (const page of pagesOver(samples.hostileAlert(text))) {
      const outside = page
        .replaceAll(/<bdi[^>]*>[^<]*<\/bdi>/g, '')
        .replaceAll(/ value="[^"]*"/g, '')
        .replace(/<title>.*<\/title>/, '');
      assert.ok(!outside.includes(text), outside.slice(outside.indexOf(text) - 200, outside.indexOf(text) + 50));
    }
  });

  test('stays within bounds, however long', () => {
    const [one = '', list = '', request = ''] = pagesOver(samples.hostileAlert(samples.VERY_LONG));
    assert.ok(list.length < 20_000, `a row of ${list.length}`);
    assert.ok(one.length < 500_000, `a page of ${one.length}`);
    assert.ok(request.length > 0);
    assert.match(textOf(one), / … [0-9,]+ characters more/);
  });

  test('of any kind makes a page', () => {
    fc.assert(
      fc.property(anyAlert, (alert) => {
        for (const page of pagesOver(alert)) {
          assert.ok(page.startsWith('<!doctype html>') && page.endsWith('</html>'));
          assert.ok(page.isWellFormed(), 'no lone surrogate');
          assert.ok(!page.includes('undefined') || JSON.stringify(alert).includes('undefined'));
          assert.ok(!page.includes('[object Object]'));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('that looks like something else is said to', () => {
    assert.equal(deceptive('mail.send'), undefined);
    assert.equal(deceptive('отправка'), undefined, 'one alphabet is no deception');
    assert.equal(deceptive('名前 mail'), undefined);
    assert.match(deceptive('mаil.send') ?? '', /alphabets/);
    assert.match(deceptive('mail\u200b') ?? '', /cannot be seen/);
    assert.match(deceptive('ｍail') ?? '', /unusual form/);
    assert.match(deceptive('mail ') ?? '', /space/);
  });
});

describe('the page of a containment', () => {
  const page = (changes: Parameters<typeof samples.pageOf>[0] = {}): string => containmentPage(samples.pageOf(changes));

  test('offers a vote only after a fresh authentication, and binds it to the digest that it shows', () => {
    const { containment } = samples.pageOf();
    const before = page();
    assert.ok(before.includes('action="/auth/step-up"') && !before.includes('/approve"'));
    const after = page({ fresh_until: NOW + 60_000 });
    assert.ok(!after.includes('/auth/step-up'));
    assert.ok(after.includes(`formaction="/containments/${containment.id}/approve"`));
    assert.ok(after.includes(`name="digest" value="${containment.digest}"`));
    assert.ok(textOf(after).includes(shortDigest(containment.digest)));
  });

  test('asks local people for their password, and sends others to their provider', () => {
    assert.ok(page({ step_up: { kind: 'password' } }).includes('type="password"'));
    const other = page();
    assert.ok(!other.includes('type="password"') && other.includes('Sign in anew at Example Login'));
  });

  test('every form is a POST with the token of the session, and no link changes anything', () => {
    const states = ['pending', 'approved', 'succeeded', 'unknown'] as const;
    for (const state of states) {
      const containment = samples.containmentOf({ state, execution: samples.executionOf() });
      const text = page({ containment, fresh_until: NOW + 1_000 });
      const forms = [...text.matchAll(/<form [^>]*>[\s\S]*?<\/form>/g)].map(([form]) => form);
      assert.ok(forms.length > 1, state);
      for (const form of forms) {
        assert.match(form, /^<form method="post"/);
        assert.ok(form.includes(`name="csrf" value="${VIEWER.csrf}"`));
      }
      const links = [...text.matchAll(/href="([^"]*)"/g)].map(([, href]) => href ?? '');
      for (const href of links) assert.match(href, /^(#\w+|\/|\/containments(\/[0-9a-f]{32})?|\/static\/[\w.]+)$/);
    }
  });

  test('shows what is newer apart from what a vote is bound to', () => {
    const newer = { ...explainedAlert(), revision: 9, title: 'It goes on', severity: 'critical' as const };
    const text = textOf(page({ newer }));
    const at = text.indexOf('Newer than what you vote on');
    assert.ok(at > 0 && text.indexOf('It goes on') > at);
    assert.ok(!textOf(page()).includes('Newer than what you vote on'));
  });

  test('says so when the store does not say what the terms say, or nothing', () => {
    const alert = explainedAlert();
    const terms = samples.termsOf(alert);
    assert.equal(agree(alert, terms), true);
    for (const other of [
      { ...alert, title: 'x' },
      { ...alert, summary: 'x' },
      { ...alert, severity: 'low' as const },
      { ...alert, evidence: [] },
      { ...alert, identity: { ...alert.identity, id: 'x' } },
      { ...alert, evidence: alert.evidence.map((ref) => ({ ...ref, key: '0'.repeat(32) })) },
    ]) {
      assert.equal(agree(other, terms), false);
    }
    const frozen = { kind: 'read', alert, evidence: [], agrees: false } as const;
    assert.ok(page({ frozen }).includes('The store disagrees'));
    assert.ok(page({ frozen: { kind: 'absent', why: 'The store sleeps.' } }).includes('The store sleeps.'));
  });

  test('says that nobody would carry it out', () => {
    const { executor: _, ...terms } = samples.termsOf(explainedAlert());
    assert.ok(textOf(page({ containment: samples.containmentOf({ terms }) })).includes('Nobody'));
  });

  test('tells votes on other terms, break-glass, roll-backs, effects and resolutions', () => {
    const terms = samples.termsOf(explainedAlert(), {
      origin: { kind: 'rollback', of: 'ab'.repeat(16), why: 'It was month end.' },
      break_glass: { why: 'Data is leaving.' },
    });
    const containment = samples.containmentOf({
      terms,
      state: 'succeeded',
      voided_votes: [samples.voteOf('grace')],
      votes: [samples.voteOf('linus', { comment: 'seen\nand checked' })],
      execution: samples.executionOf(),
      effect: samples.effectOf('failed', terms),
      resolution: { by: VIEWER_PRINCIPAL, took_effect: false, comment: 'It still sends.', time: NOW },
    });
    const shown = page({ containment });
    const text = textOf(shown);
    for (const words of [
      'Give back a tool',
      'Emergency (break-glass): Data is leaving.',
      'It was month end.',
      'Votes on earlier terms',
      'Containment failed',
      'mail.send went through 24 s after it was restricted',
      'it did not take effect',
    ]) {
      assert.ok(text.includes(words), words);
    }
    assert.ok(shown.includes(`href="/containments/${'ab'.repeat(16)}"`));
    assert.ok(shown.includes('<bdi>seen</bdi><br/><bdi>and checked</bdi>'), 'lines of people are lines');
  });
});

const VIEWER_PRINCIPAL = { ...VIEWER.principal, human: true };

describe('pages', () => {
  test('of every kind are whole documents with a title, one main heading and one landmark of each kind', () => {
    const all = [
      ...pagesOver(explainedAlert()),
      signInPage({ providers: [{ name: 'corp', label: 'Example <Login>' }], local: true, return_to: '/containments' }),
      linkPage({}),
      signedOutPage(),
    ];
    for (const page of all) {
      assert.match(page, /<html lang="en">/);
      assert.match(page, /<title>[^<]+ · Countersign<\/title>/);
      assert.equal(page.split('<h1').length, 2);
      assert.equal(page.split('<main').length, 2);
      assert.doesNotMatch(page, /style="|<style|javascript:|\son\w+=/i);
      const labelled = new Set([...page.matchAll(/<label [^>]*for="([^"]+)"/g)].map(([, id]) => id));
      for (const [tag] of page.matchAll(/<(input|textarea|select) [^>]*>/g)) {
        if (/type="(hidden|radio|checkbox)"| hidden/.test(tag)) continue;
        assert.ok(labelled.has(/id="([^"]+)"/.exec(tag)?.[1]), tag);
      }
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      assert.equal(new Set(ids).size, ids.length, 'ids are unique');
    }
  });

  test('say a refusal by its code, and nothing that an address makes up', () => {
    assert.equal(problemOf('sign_in_refused')?.code, 'sign_in_refused');
    assert.equal(problemOf('session_over')?.code, 'session_over');
    for (const code of ['', 'you_have_won', '<b>', 'constructor', '__proto__', 'a'.repeat(80), undefined]) {
      assert.equal(problemOf(code), undefined, code);
    }
    const text = problemPage({ code: 'expired', message: 'its time is over', remedy: 'ask for it anew' });
    for (const words of ['Its time is over.', 'Ask for it anew.', 'expired']) assert.ok(textOf(text).includes(words));
  });

  test('write markup from strings nowhere', () => {
    const folder = new URL('../../../services/api/pages/', import.meta.url);
    const sources = readdirSync(folder).filter((name) => name.endsWith('.ts'));
    assert.ok(sources.length > 10);
    for (const name of sources) {
      assert.doesNotMatch(readFileSync(new URL(name, folder), 'utf8'), /dangerouslySetInnerHTML|innerHTML/, name);
    }
  });

  test('say times as people do', () => {
    assert.equal(distance(NOW + 3 * 3_600_000 + 720_000, NOW), 'in 3 h 12 min');
    assert.equal(distance(NOW - 300_000, NOW), '5 min ago');
    assert.equal(distance(NOW + 400, NOW), 'now');
    assert.equal(spanText(86_400_000), '1 d');
    assert.equal(spanText(61_000), '1 min');
  });
});
