import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { LIMITS } from '../../../schemas/limits.ts';
import { ASSETS } from '../../../services/api/pages/assets.ts';
import { PAGES } from '../../../services/api/pages/register-pages.ts';
import { StoreUnavailable } from '../../../services/platform/store.ts';
import { explainedAlert } from '../../ocsf/alerts.ts';
import { formOf, PASSWORD, type SignedIn, signedIn } from '../support/people.ts';
import { type Service, type Subject, startService } from '../support/service.ts';

const NO_ONCE = '0'.repeat(32);

describe('pages over HTTP', { concurrency: 1 }, () => {
  let service: Service;
  const people = new Map<Subject, SignedIn>();
  const as = (subject: Subject): SignedIn => {
    const found = people.get(subject);
    assert.ok(found !== undefined);
    return found;
  };
  let alerts = 0;
  let asleep = false;
  /** Of the containment that every test has for itself. */
  let id = '';
  let uid = '';

  before(async () => {
    service = await startService({
      change: (ports) => ({
        ...ports,
        store: Object.assign(Object.create(ports.store), {
          readAlert: (...asked: Parameters<typeof ports.store.readAlert>) => {
            if (asleep) throw new StoreUnavailable('asleep');
            return ports.store.readAlert(...asked);
          },
        }),
      }),
    });
    for (const subject of ['root', 'viewer', 'analyst', 'approver', 'admin'] as const) {
      people.set(subject, await signedIn(service, subject));
    }
  });
  after(() => service.close());

  beforeEach(async () => {
    alerts++;
    uid = alerts.toString(16).padStart(32, '0');
    await service.raise(alertOf());
    [id = ''] = service.ports.control.state.byAlert.get(uid) ?? [];
  });

  const alertOf = () => explainedAlert({ uid, identity: { ...explainedAlert().identity, id: `agent-${uid}` } });
  const containment = () => {
    const found = service.ports.control.state.containments.get(id);
    assert.ok(found !== undefined);
    return found;
  };
  const at = (): string => `/containments/${id}`;
  const stepUp = async (subject: Subject, password = PASSWORD) =>
    as(subject).post('/auth/step-up', { ...formOf((await as(subject).get(at())).body, '/auth/step-up'), password });
  const vote = async (subject: Subject, what: 'approve' | 'deny', more: Record<string, string> = {}) =>
    as(subject).post(`${at()}/${what}`, { ...formOf((await as(subject).get(at())).body, `${at()}/deny`), ...more });
  const codeIn = (page: string): string | undefined => /Code <code>(\w+)<\/code>/.exec(page)?.[1];

  test('are those that docs/approving.md lists', () => {
    const docs = readFileSync(new URL('../../../docs/approving.md', import.meta.url), 'utf8');
    const listed = [...docs.matchAll(/^\| `((?:GET|POST) \/[^`]*)` \|/gm)].map(([, route]) => route);
    assert.deepEqual(listed.toSorted(), PAGES.map(({ method, url }) => `${String(method)} ${url}`).toSorted());
  });

  test('lead strangers to the sign-in and back', async () => {
    for (const url of ['/containments', at(), `/containments/new?alert=${uid}`]) {
      const answer = await service.app.inject({ url, headers: { accept: 'text/html' } });
      assert.equal(answer.statusCode, 303);
      assert.equal(answer.headers.location, `/sign-in?${new URLSearchParams({ return_to: url })}`);
    }
    const page = await service.app.inject({ url: `/sign-in?return_to=${at()}`, headers: { accept: 'text/html' } });
    assert.ok(page.body.includes(`name="return_to" value="${at()}"`));
    const evil = await service.app.inject({
      url: '/sign-in?return_to=//evil.example/x',
      headers: { accept: 'text/html' },
    });
    assert.ok(!evil.body.includes('evil'));
    const posted = await service.app.inject({
      method: 'POST',
      url: `${at()}/approve`,
      headers: { accept: 'text/html' },
    });
    assert.deepEqual([posted.statusCode, posted.headers.location], [303, '/sign-in?']);
    const home = await service.app.inject({ url: '/' });
    assert.equal(home.headers.location, '/sign-in');
    assert.equal((await as('viewer').get('/')).headers.location, '/containments');
    assert.equal((await as('viewer').get('/sign-in')).headers.location, '/containments');
  });

  test('load nothing but their own style sheet, and let nobody frame them', async () => {
    const pages = [
      await as('approver').get(at()),
      await as('approver').get('/containments'),
      await service.app.inject('/sign-in'),
    ];
    for (const { headers } of pages) {
      assert.equal(
        headers['content-security-policy'],
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
      );
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    }
    const link = await service.app.inject('/sign-in/link');
    assert.match(String(link.headers['content-security-policy']), /script-src 'self'; form-action/);
    for (const { url, type, body } of Object.values(ASSETS)) {
      const asset = await service.app.inject(url);
      assert.deepEqual([asset.statusCode, asset.headers['content-type']], [200, type]);
      assert.ok(asset.rawPayload.equals(body));
      assert.match(String(asset.headers['cache-control']), /immutable/);
    }
  });

  test('are no part of the OpenAPI document', async () => {
    const { paths } = (await service.as('viewer', '/v1/openapi.json')).json<{ paths: object }>();
    for (const { url } of PAGES) assert.ok(!(url in paths), url);
  });

  test('approve after a fresh authentication, once, and the containment runs', async () => {
    const before = await as('approver').get(at());
    assert.ok(before.body.includes('Whom it would hit is not known: no event of this identity is stored'));
    assert.ok(before.body.includes('/auth/step-up') && !before.body.includes(`${at()}/approve`));
    assert.equal(
      (await stepUp('approver', 'not the password at all')).headers.location,
      `${at()}?problem=sign_in_refused`,
    );
    assert.equal((await stepUp('approver')).headers.location, at());
    const form = formOf((await as('approver').get(at())).body, `${at()}/deny`);
    const send = () => as('approver').post(`${at()}/approve`, { ...form, comment: 'seen\r\nit' });
    const [first, second] = await Promise.all([send(), send()]);
    assert.deepEqual([first.statusCode, second.statusCode], [303, 303], `${codeIn(second.body)}`);
    assert.equal(first.headers.location, at());
    assert.deepEqual(
      containment().votes.map(({ by, comment, fresh }) => [by.subject, comment, fresh?.method]),
      [['approver', 'seen\nit', 'password']],
    );
    const { control } = service.ports;
    while (!control.state.ended.has(id)) await new Promise((resolve) => setImmediate(resolve));
    const done = await as('viewer').get(at());
    assert.ok(done.body.includes('Carried out') && done.body.includes('approver'));
  });

  test('refuse as the API does, on the page itself, with the code', async () => {
    const early = await vote2('approver', { digest: containment().digest });
    assert.deepEqual([early.statusCode, codeIn(early.body)], [403, 'fresh_authentication_needed']);
    assert.ok(early.body.includes('What would be done'));
    await stepUp('approver');
    const other = await vote('approver', 'approve', { digest: 'f'.repeat(64) });
    assert.deepEqual([other.statusCode, codeIn(other.body)], [409, 'digest_mismatch']);
    assert.equal((await vote('approver', 'deny')).statusCode, 303);
    const late = await vote2('root', { digest: containment().digest });
    assert.deepEqual([late.statusCode, codeIn(late.body)], [409, 'already_denied']);
    for (const url of ['/containments/nothing', `/containments/${'0'.repeat(32)}`]) {
      const unknown = await as('viewer').get(url);
      assert.deepEqual([unknown.statusCode, codeIn(unknown.body)], [404, 'unknown_containment']);
    }
    const viewer = await vote2('viewer', { digest: containment().digest });
    assert.deepEqual([viewer.statusCode, codeIn(viewer.body)], [403, 'role_missing']);
    const admin = await as('admin').get('/containments');
    assert.deepEqual([admin.statusCode, codeIn(admin.body)], [403, 'role_missing']);
  });

  const vote2 = (subject: Subject, form: Record<string, string>) =>
    as(subject).post(`${at()}/approve`, { once: NO_ONCE, ...form });

  test('change nothing for forms of others, with other tokens, by GET or for several at once', async () => {
    await stepUp('approver');
    const form = formOf((await as('approver').get(at())).body, `${at()}/deny`);
    const refused = [
      await as('approver').post(`${at()}/approve`, { ...form, csrf: as('root').csrf }),
      await as('approver').post(`${at()}/approve`, { ...form, csrf: '' }),
      await as('approver').post(`${at()}/approve`, form, { 'sec-fetch-site': 'cross-site' }),
      await as('approver').post(`${at()}/approve`, form, { 'sec-fetch-site': 'same-site' }),
    ];
    for (const answer of refused) {
      assert.deepEqual([answer.statusCode, codeIn(answer.body)], [403, 'csrf_refused']);
      assert.match(String(answer.headers['content-type']), /html/);
    }
    for (const what of ['approve', 'deny', 'cancel', 'amend', 'rollback', 'resolve']) {
      assert.equal((await as('approver').get(`${at()}/${what}`)).statusCode, 404, what);
    }
    const several = await as('approver').post(`${at()}/approve`, { ...form, containments: id });
    assert.deepEqual([several.statusCode, codeIn(several.body)], [400, 'request_invalid']);
    const json = await service.app.inject({
      method: 'POST',
      url: `${at()}/approve`,
      headers: { authorization: `Bearer ${service.tokens.approver}`, accept: 'text/html' },
      payload: form,
    });
    assert.deepEqual([json.statusCode, codeIn(json.body)], [415, 'content_type_unsupported']);
    assert.deepEqual([containment().state, containment().votes.length], ['pending', 0]);
  });

  test('are for people with a session: an API key gets none', async () => {
    const answer = await service.app.inject({
      url: at(),
      headers: { authorization: `Bearer ${service.tokens.viewer}` },
    });
    assert.deepEqual([answer.statusCode, answer.json().error.code], [403, 'session_needed']);
  });

  test('say what a vote was given on before it was changed, and who may not vote then', async () => {
    await stepUp('approver');
    const page = (await as('analyst').get(at())).body;
    const form = formOf(page, `${at()}/amend`);
    const changed = await as('analyst').post(`${at()}/amend`, {
      ...form,
      action: 'revoke_credential',
      target: 'key-7c1d',
      'parameter.reach': 'all',
      why: 'The key is what is stolen.',
    });
    assert.equal(changed.statusCode, 303, codeIn(changed.body));
    const { recommendation } = containment().terms;
    assert.deepEqual(
      [recommendation.action, recommendation.target, recommendation.parameters],
      ['revoke_credential', 'key-7c1d', { reach: 'all' }],
    );
    const seen = (await as('approver').get(at())).body;
    assert.ok(seen.includes('Revoke a credential') && seen.includes('The key is what is stolen.'));
    assert.ok(seen.includes('/auth/step-up'), 'what was fresh for other terms is not fresh for these');
    assert.ok((await as('analyst').get(at())).body.includes('Cancel it'));
  });

  test('ask for a containment with the alert as it was shown', async () => {
    const shown = await as('analyst').get(`/containments/new?alert=${uid}`);
    const form = formOf(shown.body, '/containments');
    const later = { ...alertOf(), revision: 2, title: 'It went on' };
    await service.raise(later);
    const asked = await as('analyst').post('/containments', {
      ...form,
      action: 'suspend_agent',
      target: `agent-${uid}`,
      why: 'It answers to nobody.',
      break_glass: 'yes',
    });
    assert.equal(asked.statusCode, 303, codeIn(asked.body));
    id = String(asked.headers.location).split('/').at(-1) ?? '';
    const { terms, requested_by } = containment();
    assert.equal(requested_by.subject, 'analyst');
    assert.deepEqual(
      [terms.alert.revision, terms.alert.title, terms.break_glass?.why, terms.origin?.kind],
      [1, alertOf().title, 'It answers to nobody.', 'requested'],
    );
    const page = (await as('approver').get(at())).body;
    for (const words of ['Newer than what you vote on', 'It went on', 'Emergency (break-glass)']) {
      assert.ok(page.includes(words), words);
    }
    const again = await as('analyst').post('/containments', {
      ...formOf((await as('analyst').get(`/containments/new?alert=${uid}`)).body, '/containments'),
      action: 'suspend_agent',
      target: 'somebody else',
      why: 'No "reason".',
    });
    assert.deepEqual([again.statusCode, codeIn(again.body)], [409, 'target_refused']);
    assert.ok(
      again.body.includes('value="somebody else"') && again.body.includes('No &quot;reason&quot;.'),
      'nothing is typed twice',
    );
    const viewer = await as('viewer').get(`/containments/new?alert=${uid}`);
    assert.deepEqual([viewer.statusCode, codeIn(viewer.body)], [403, 'role_missing']);
    const unknown = await as('analyst').get('/containments/new?alert=none');
    assert.deepEqual([unknown.statusCode, codeIn(unknown.body)], [404, 'alert_unknown']);
  });

  test('ask to take back what was carried out, and lead to what was asked', async () => {
    await stepUp('approver');
    await vote('approver', 'approve');
    const { control } = service.ports;
    while (!control.state.ended.has(id)) await new Promise((resolve) => setImmediate(resolve));
    const first = id;
    const form = formOf((await as('approver').get(at())).body, `${at()}/rollback`);
    const asked = await as('approver').post(`${at()}/rollback`, { ...form, why: 'It was month end.' });
    assert.equal(asked.statusCode, 303, codeIn(asked.body));
    id = String(asked.headers.location).split('/').at(-1) ?? '';
    assert.notEqual(id, first);
    const page = (await as('approver').get(at())).body;
    assert.ok(page.includes(`href="/containments/${first}"`) && page.includes('You asked for this'));
    const cancelled = await as('approver').post(`${at()}/cancel`, formOf(page, `${at()}/cancel`));
    assert.equal(cancelled.statusCode, 303);
    assert.equal(containment().state, 'cancelled');
  });

  test('show what is bound when the store does not answer', async () => {
    asleep = true;
    const page = await as('approver').get(at());
    asleep = false;
    assert.equal(page.statusCode, 200);
    assert.ok(page.body.includes('The store does not answer now') && page.body.includes('mail.send'));
  });

  test('list what waits first, and the ended ones page by page', async () => {
    const list = (await as('approver').get('/containments')).body;
    assert.ok(list.indexOf('id="waiting"') < list.indexOf('id="ended"'));
    assert.ok(list.includes(`href="${at()}"`) && list.includes('You can decide this'));
    const further = await as('approver').get('/containments?after=made-up');
    assert.deepEqual([further.statusCode, codeIn(further.body)], [400, 'cursor_malformed']);
  });

  test('bound what a form may hold', async () => {
    const form = formOf((await as('approver').get(at())).body, `${at()}/cancel`);
    const large = await as('approver').post(`${at()}/cancel`, {
      ...form,
      more: 'x'.repeat(LIMITS.http_form_bytes_max),
    });
    assert.deepEqual([large.statusCode, codeIn(large.body)], [413, 'body_too_large']);
    assert.equal(containment().state, 'pending');
  });
});
