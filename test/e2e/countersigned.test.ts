import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Alert } from '../../schemas/alert.ts';
import type { Containment } from '../../schemas/containment.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { writeSimulation } from '../../services/simulate/write.ts';
import { run as cli } from '../cli/support.ts';
import { launchBrowser, NO_BROWSER, pageFor } from '../support/browser.ts';
import { kafkaForTests, uniquePrefix } from '../support/kafka/for-tests.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.ts';
import { call, type ServiceProcess, startService, temporaryDirectory } from '../support/service-process.ts';
import {
  createTopic,
  type Installation,
  installationOn,
  newSecret,
  produce,
  type Receiver,
  receiver,
  until,
} from './support/cluster.ts';

/**
 * The whole story with real parts: Kafka, an OpenID provider, browsers, the authorization server that issued the agent's
 * token. A hijacked agent's events come by Kafka, an alert is raised, an analyst asks for a revocation, two approvers sign
 * in and countersign it, the token is revoked where it was issued. The agent acts on all the same, so the containment is
 * found to have failed, the alert of that proposes more, and that is countersigned; silence verifies it. The audit log proves all of it.
 */
const kafka = await kafkaForTests();
const DAY_MS = 86_400_000;
const WATCH_MS = 20_000;
const PARTITIONS = 2;

type Told = { readonly containment: Containment };

describe('from a hijacked agent to a proven containment', { skip: kafka.skip || NO_BROWSER, timeout: 280_000 }, () => {
  const place = installationOn(kafka.brokers, uniquePrefix(), PARTITIONS);
  const live = `${place.topics.raw}.live`;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let provider: OpenIdProvider;
  let gateway: Receiver;
  let service: ServiceProcess;
  let browser: Browser;
  let heartbeat: { stop(): Promise<void> } | undefined;
  const at = (name: string): string => join(directory.path, name);
  const admin = (): string => service.tokens.admin ?? '';
  const cliAs = (...args: string[]) =>
    cli(['--data', at('data'), ...args], { env: { COUNTERSIGN_API_KEY: admin(), COUNTERSIGN_URL: service.url } });

  before(async () => {
    directory = await temporaryDirectory();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    provider = await startOpenIdProvider([`${url}/auth/callback/corp`]);
    provider.claims.set('ana', { groups: ['soc'] });
    provider.claims.set('ben', { groups: ['countersigners'] });
    provider.claims.set('cleo', { groups: ['countersigners'] });
    gateway = await receiver();
    const secrets = { oidc: provider.client_secret, agents: provider.agents.client_secret, gateway: newSecret() };
    for (const [name, secret] of Object.entries(secrets)) await writeFile(at(name), secret, { mode: 0o600 });
    await writeFile(at('tokens.json'), '{}', { mode: 0o600 });
    const executors = [
      {
        name: 'idp',
        type: 'oauth2',
        actions: ['revoke_credential'],
        issuer: provider.issuer,
        client_id: provider.agents.client_id,
        client_secret_file: at('agents'),
        token_source: { type: 'file', path: at('tokens.json') },
      },
      { name: 'gateway', type: 'webhook', url: gateway.url, secret_file: at('gateway') },
    ];
    await createTopic(place, live, PARTITIONS);
    const { issuer, client_id } = provider;
    service = await startService(at('data'), {
      ...place.environment,
      COUNTERSIGN_LISTEN_PORT: String(port),
      COUNTERSIGN_INGEST_SOURCES: JSON.stringify([{ topic: place.topics.raw, recorded: true }, { topic: live }]),
      COUNTERSIGN_AUTH_OIDC: JSON.stringify([{ name: 'corp', issuer, client_id, client_secret_file: at('oidc') }]),
      COUNTERSIGN_CONTAIN_EXECUTORS: JSON.stringify(executors),
      COUNTERSIGN_CONTAIN_EFFECT_GRACE_MS: '0',
      COUNTERSIGN_CONTAIN_EFFECT_WATCH_MS: String(WATCH_MS),
      COUNTERSIGN_AUDIT_CHECKPOINT_FILE: at('checkpoints.jsonl'),
      COUNTERSIGN_AUDIT_CHECKPOINT_MS: '1000',
    });
    browser = await launchBrowser();
  });
  after(async () => {
    await heartbeat?.stop();
    await browser?.close();
    await service?.kill('SIGTERM');
    await Promise.all([provider?.close(), gateway?.close()]);
    await directory?.remove();
  });

  test('two people countersign, the token dies, telemetry is the judge, and the log proves it', async () => {
    await writeFile(at('policy.yaml'), POLICY);
    const applied = await cliAs('policy', 'apply', at('policy.yaml'), '--reason', 'first policy');
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);

    const hijacked = await feedFleet(place, at('fleet.ndjson'));
    const alert = await alertOn(service, admin(), hijacked);
    const credential = alert.identity.credential;
    assert.ok(credential !== undefined, 'the alert names the credential that was used');
    const token = await provider.issueToken();
    await writeFile(at('tokens.json'), JSON.stringify({ [credential]: [{ token }] }), { mode: 0o600 });
    assert.equal(await provider.isActive(token), true);

    const [ana, ben, cleo] = [await signIn('ana'), await signIn('ben'), await signIn('cleo')];
    const revocation = await request(ana, alert, 'revoke_credential', credential);
    await vote(ben, revocation, 'Approve');
    const halfway = await read(revocation);
    assert.equal(halfway.state, 'pending', 'one of two approvals is not enough');
    assert.equal(await provider.isActive(token), true, 'nothing happens before the second approval');
    await vote(cleo, revocation, 'Approve');
    const revoked = await reaches(revocation, ({ state }) => state !== 'approved' && state !== 'dispatching');
    assert.equal(revoked.state, 'succeeded', JSON.stringify(revoked.execution));
    assert.equal(await provider.isActive(token), false, 'introspection says that the token is dead');
    assert.deepEqual(
      revoked.votes.map(({ by, fresh }) => [by.issuer, by.subject, fresh?.method]),
      ['ben', 'cleo'].map((subject) => [provider.issuer, subject, 'oidc']),
    );

    heartbeat = beatOf(place, live, hijacked);
    await produce(place, live, [{ value: eventOf(hijacked, { credential }) }]);
    const failed = await reaches(revocation, ({ effect }) => effect?.report !== undefined);
    assert.equal(failed.effect?.state, 'failed', failed.effect?.report?.why);
    const raised = await until(() => find(({ uid }) => uid === failed.effect?.report?.alert_uid));
    assert.ok(raised.findings.some(({ detector }) => detector === 'containment_effect'));

    const suspension = await until(() => proposedBecauseOf(raised, 'suspend_agent'));
    await vote(ben, suspension, 'Approve');
    await vote(cleo, suspension, 'Approve');
    const held = await reaches(suspension, ({ effect }) => effect?.report !== undefined);
    assert.equal(held.effect?.state, 'verified', held.effect?.report?.why);
    assert.equal(gateway.bodies.length, 1, 'the gateway is asked once, and about nothing that was not countersigned');
    assert.match(gateway.bodies[0] ?? '', new RegExp(suspension));

    await proves(revocation);
  });

  /** The audit log, exported, verifies offline; changed or cut, it does not. */
  const proves = async (containment: string): Promise<void> => {
    const exported = await cliAs('audit', 'export');
    assert.equal(exported.code, 0, exported.stderr);
    await writeFile(at('audit.ndjson'), exported.stdout);
    assert.ok(exported.stdout.includes(containment));
    assert.ok(!exported.stdout.includes(provider.client_secret));
    await copyFile(at('checkpoints.jsonl'), at('kept.jsonl'));
    await chmod(at('kept.jsonl'), 0o600);
    const verify = async (text: string): Promise<number | null> => {
      await writeFile(at('copy.ndjson'), text);
      return (await cli(['audit', 'verify', at('copy.ndjson'), '--checkpoints', at('kept.jsonl')])).code;
    };
    assert.equal(await verify(exported.stdout), 0);
    assert.equal(await verify(exported.stdout.replace('"approve"', '"approvE"')), 1, 'a changed vote shows');
    const lines = (await readFile(at('audit.ndjson'), 'utf8')).split('\n');
    assert.equal(await verify(`${lines.slice(0, lines.length >> 1).join('\n')}\n`), 1, 'a missing end shows');
  };

  const signIn = async (name: string): Promise<Page> => {
    const page = await pageFor(browser, { url: service.url });
    await page.goto('/sign-in');
    await page.getByRole('link', { name: 'Sign in with corp' }).click();
    await signInAtProvider(page, name);
    await page.waitForURL('**/containments');
    return page;
  };

  const request = async (page: Page, alert: Alert, action: string, target: string): Promise<string> => {
    await page.goto(`/containments/new?alert=${alert.uid}`);
    await page.getByLabel('Action').selectOption(action);
    await page.getByLabel('Target').fill(target);
    await page.getByLabel('Why', { exact: true }).fill('the agent follows somebody else');
    await page.getByRole('button', { name: 'Ask for it' }).click();
    await page.waitForURL(/\/containments\/[0-9a-f]{32}/);
    return /[0-9a-f]{32}/.exec(new URL(page.url()).pathname)?.[0] ?? '';
  };

  const vote = async (page: Page, containment: string, decision: 'Approve' | 'Deny'): Promise<void> => {
    await page.goto(`/containments/${containment}`);
    assert.equal(await page.getByRole('button', { name: decision }).count(), 0, 'no vote without a fresh proof');
    await page.getByRole('button', { name: 'Sign in anew at corp' }).click();
    await signInAtProvider(page, undefined);
    await page.getByRole('button', { name: decision, exact: true }).click();
    await page.waitForLoadState();
  };

  /** Types a name into the provider's own page; whom it knows already, it asks for the password only. */
  const signInAtProvider = async (page: Page, name: string | undefined): Promise<void> => {
    await page.waitForURL(`${provider.issuer}/interaction/**`);
    if (name !== undefined) await page.fill('input[name=login]', name);
    else if ((await page.inputValue('input[name=login]')) === '') {
      await page.fill('input[name=login]', people.get(page) ?? '');
    }
    if (name !== undefined) people.set(page, name);
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
  };
  const people = new Map<Page, string>();

  const read = async (containment: string): Promise<Containment> => {
    const { status, body } = await call(service, admin(), `/v1/containments/${containment}`);
    assert.equal(status, 200, JSON.stringify(body));
    return (body as Told).containment;
  };
  const reaches = (containment: string, holds: (now: Containment) => boolean): Promise<Containment> =>
    until(async () => {
      const now = await read(containment);
      return holds(now) ? now : undefined;
    });
  const proposedBecauseOf = async ({ uid }: Alert, action: string): Promise<string | undefined> => {
    const { body } = await call(service, admin(), `/v1/containments?alert=${uid}&state=pending`);
    const { items } = body as { items: Containment[] };
    return items.find(({ terms }) => terms.recommendation.action === action)?.id;
  };
  const find = async (fits: (alert: Alert) => boolean): Promise<Alert | undefined> => {
    const { body } = await call(service, admin(), '/v1/alerts?limit=500');
    return (body as { items: Alert[] }).items.find(fits);
  };
});

const POLICY = `version: two-people-1
rules:
  - name: revocations and suspensions need two
    when: { actions: [revoke_credential, suspend_agent] }
    approvals: 2
people:
  claims:
    - { claim: groups, value: soc, roles: [analyst, viewer] }
    - { claim: groups, value: countersigners, roles: [approver, viewer] }
`;

/** Two weeks of a small fleet that end now, one of its agents hijacked; resolves with that one. */
async function feedFleet(place: Installation, file: string): Promise<string> {
  const days = 16;
  const today_ms = Math.floor(systemClock.now() / DAY_MS) * DAY_MS;
  const stories = ['prompt_injection_hijack:1'];
  const written = await writeSimulation(
    { seed: 11, identities: 24, days, start_ms: today_ms - days * DAY_MS, stories },
    file,
  );
  assert.ok(written.ok, JSON.stringify(written));
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  await produce(
    place,
    place.topics.raw,
    // In one partition, so that they come in the order in which they happened.
    lines.map((value) => ({ value, partition: 0 })),
  );
  const [story] = written.value.stories;
  assert.ok(story !== undefined, 'the fleet has a hijacked agent');
  return story.identity;
}

async function alertOn(service: ServiceProcess, token: string, identity: string): Promise<Alert> {
  return until(async () => {
    const { body } = await call(service, token, `/v1/alerts?identity=${identity}`);
    const [first] = (body as { items: Alert[] }).items;
    if (first === undefined) return undefined;
    const whole = await call(service, token, `/v1/alerts/${first.uid}`);
    return (whole.body as { alert: Alert }).alert;
  });
}

/** Others of the same source go on: their events say that silence is silence, not a deaf collector. */
function beatOf(place: Installation, topic: string, hijacked: string): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const beating = (async () => {
    while (!stopping.signal.aborted) {
      const others = Array.from({ length: 8 }, (_, n) => ({ value: eventOf(`${hijacked}-peer-${n}`, {}) }));
      await produce(place, topic, others);
      await systemClock.sleep(1_000, stopping.signal);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await beating.catch(() => undefined);
    },
  };
}

let count = 0;
function eventOf(identity: string, { credential }: { readonly credential?: string }): string {
  return JSON.stringify({
    id: `live-${++count}`,
    time: new Date(systemClock.now()).toISOString(),
    identity: { id: identity, kind: 'agent' },
    session: `live-${identity}`,
    ...(credential !== undefined && { credential: { id: credential } }),
    tool: { name: 'read_file' },
    resource: { id: '/kb/refunds.md' },
    action: { operation: 'read' },
    outcome: { status: 'ok' },
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
