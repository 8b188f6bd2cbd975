import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { createOidcProvider } from '../../services/api/auth/oidc.ts';
import { handingOutOf } from '../../services/cli/service/audit-role.ts';
import type { Ground } from '../../services/cli/service/foundation.ts';
import { notifyTargets } from '../../services/cli/service/notify-role.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type ConfigResult, loadConfig } from '../../services/platform/config.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'countersign-outbound-'));
after(() => rmSync(directory, { recursive: true }));

function load(config: object): ConfigResult {
  const file = path.join(directory, 'countersign.yaml');
  writeFileSync(file, JSON.stringify(config));
  return loadConfig({ cwd: directory, environment: {}, file });
}

const put = (name: string, text: string): string => {
  writeFileSync(path.join(directory, name), text, { mode: 0o600 });
  return name;
};

describe('hosts that outbound.allow does not list', () => {
  const outbound = { allow: ['elsewhere.example'] };

  test('are no OpenID providers', () => {
    const oidc = [{ name: 'corp', issuer: 'https://login.example.com', client_id: 'countersign' }];
    const refused = load({ auth: { oidc }, outbound });
    assert.ok(!refused.ok);
    assert.deepEqual(
      refused.problems.map(({ field }) => field),
      ['auth.oidc[0].issuer'],
    );
    assert.ok(load({ auth: { oidc }, outbound: { allow: ['login.example.com'] } }).ok);
    const inside = (allow_private_networks: boolean) =>
      load({ auth: { oidc: [{ ...oidc[0], issuer: 'https://10.1.2.3', allow_private_networks }] } });
    assert.deepEqual([inside(false).ok, inside(true).ok], [false, true]);
  });

  test('are no chats, and take no checkpoints', () => {
    const url_file = put('slack', 'https://hooks.slack.example/services/T0/B0/x\n');
    const secret_file = put('secret', `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`);
    const loaded = load({
      public_url: 'https://countersign.example.com',
      notify: { chat: [{ name: 'soc', kind: 'slack', url_file }] },
      audit: { webhook: { url: 'https://audit.example.com/', secret_file } },
      outbound,
    });
    assert.ok(loaded.ok);
    assert.throws(() => notifyTargets(loaded), /hooks\.slack\.example is not in outbound\.allow/);
    const ground = { ...loaded, dir: { auditCheckpoints: 'none' } } as unknown as Ground;
    assert.throws(() => handingOutOf(ground), /audit\.webhook\.url: .*not in outbound\.allow/);
  });
});

describe('an OpenID provider', () => {
  const TIES = { state: 's'.repeat(43), nonce: 'n'.repeat(43), verifier: 'v'.repeat(43) };

  async function listen(t: TestContext, answer: RequestListener): Promise<string> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    t.after(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const at = (issuer: string, allow_hosts?: readonly string[]) =>
    createOidcProvider(
      {
        name: 'corp',
        label: 'Corp',
        issuer,
        client_id: 'c',
        client_secret: 's',
        redirect_url: 'http://127.0.0.1/auth/callback/corp',
        scopes: ['openid'],
        ca: undefined,
        policy: { allow_private_networks: false, ...(allow_hosts && { allow_hosts }) },
      },
      systemClock,
    );

  test('is asked nothing where its host is not listed', async (t) => {
    let asked = 0;
    const issuer = await listen(t, (_, response) => response.end(`${++asked}`));
    const begun = await at(issuer, ['login.example.com']).begin(TIES, { fresh: false });
    assert.deepEqual([begun.ok, asked], [false, 0]);
  });

  test('leads nowhere by a redirect', async (t) => {
    let asked = 0;
    const inside = await listen(t, (_, response) => response.end(`${++asked}`));
    const issuer = await listen(t, (_, response) => response.writeHead(302, { location: inside }).end());
    const begun = await at(issuer).begin(TIES, { fresh: false });
    assert.deepEqual([begun.ok, asked], [false, 0]);
  });

  test('whose metadata are those of another issuer is refused', async (t) => {
    let own = '';
    let claimed = '';
    own = await listen(t, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ issuer: claimed, authorization_endpoint: `${own}/auth` }));
    });
    for (const [issuer, ok] of [
      ['https://login.example.com', false],
      [own, true],
    ] as const) {
      claimed = issuer;
      assert.equal((await at(own).begin(TIES, { fresh: false })).ok, ok, issuer);
    }
  });

  test('whose metadata lead to a metadata service of a cloud is not followed there', async (t) => {
    let own = '';
    own = await listen(t, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const token_endpoint = 'http://169.254.169.254/latest/token';
      response.end(JSON.stringify({ issuer: own, authorization_endpoint: `${own}/auth`, token_endpoint }));
    });
    const finished = await at(own).finish(`code=1&state=${TIES.state}`, TIES);
    assert.ok(!finished.ok && finished.reason === 'unavailable');
  });
});
