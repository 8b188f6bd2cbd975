import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { before, beforeEach, describe, test } from 'node:test';
import { ScimExecutorConfig } from '../../schemas/executor-config.ts';
import type { ExecutionRequest, Executor } from '../../services/contain/executor.ts';
import { type Directory, openDirectory, person, TOKEN } from './directory.ts';
import { bodyOf, open, patient, requestFor, serve } from './support.ts';

let directory: Directory;
before(async () => {
  directory = await openDirectory();
});
beforeEach(() => {
  directory.meddle(() => false);
  directory.asked();
});

function executor(over: object = {}, token = TOKEN): Executor {
  const settings = { name: 'directory', type: 'scim', base_url: directory.url, token_file: 'token', ...over };
  return open(ScimExecutorConfig.parse(settings), { token_file: token });
}

const suspending = (identity: string, over: Partial<ExecutionRequest> = {}): ExecutionRequest =>
  requestFor({ action: 'suspend_agent', identity, target: identity, ...over });

describe('at a real SCIM server', () => {
  test('suspends one identity, and lifts it again', async () => {
    const agent = person('agent-7');
    const other = person('agent-77');
    const scim = executor();
    assert.equal((await scim.probe?.(suspending('agent-7'), patient()))?.kind, 'not_done');
    const result = await scim.execute(suspending('agent-7'), 1, patient());
    assert.equal(result.kind, 'done', result.detail);
    assert.match(result.detail, /the directory says active: false/);
    assert.deepEqual([agent.active, other.active], [false, true]);
    assert.equal((await scim.probe?.(suspending('agent-7'), patient()))?.kind, 'done');
    const again = await scim.execute(suspending('agent-7'), 2, patient());
    assert.deepEqual(again, { kind: 'done', detail: 'active was false already' });
    const restored = await scim.execute(suspending('agent-7', { direction: 'restore' }), 1, patient());
    assert.equal(restored.kind, 'done', restored.detail);
    assert.equal(agent.active, true);
  });

  test('finds whom it is about by id, by userName or by externalId', async () => {
    for (const [find_by, nameOf] of [
      ['id', (one) => one.id],
      ['userName', (one) => one.userName],
      ['externalId', (one) => one.externalId],
    ] as [string, (one: ReturnType<typeof person>) => string][]) {
      const agent = person(`found-by-${find_by}`);
      const result = await executor({ find_by }).execute(suspending(nameOf(agent)), 1, patient());
      assert.equal(result.kind, 'done', `${find_by}: ${result.detail}`);
      assert.equal(agent.active, false, find_by);
    }
  });

  test('does nothing for whom the directory does not know, whatever the name says', async () => {
    const somebody = person('somebody');
    for (const name of ['nobody', 'x" or userName pr or userName eq "y', '*', '\\', 'a\ud800b', '../Groups']) {
      const result = await executor().execute(suspending(name), 1, patient());
      assert.ok(result.kind !== 'done', `${name}: ${result.detail}`);
      const by_id = await executor({ find_by: 'id' }).execute(suspending(name), 1, patient());
      assert.ok(by_id.kind !== 'done', `${name}: ${by_id.detail}`);
    }
    assert.equal(somebody.active, true);
    assert.ok(!directory.asked().some((line) => line.startsWith('PATCH')));
  });

  test('a token that is not taken changes nothing', async () => {
    person('guarded');
    const result = await executor({}, 'wrong').execute(suspending('guarded'), 1, patient());
    assert.equal(result.kind, 'failed');
    assert.match(result.detail, /HTTP 401/);
  });
});

describe('an unclear answer', () => {
  const onPatch = (act: (response: ServerResponse) => void): void =>
    directory.meddle((request, response) => {
      if (request.method !== 'PATCH') return false;
      act(response);
      return true;
    });
  const cases: [string, ExecutionResultKind, (response: ServerResponse) => void][] = [
    ['a 200 that changed nothing', 'unclear', (response) => void response.writeHead(200).end('{"active":false}')],
    ['a 204 that changed nothing', 'unclear', (response) => void response.writeHead(204).end()],
    ['a 412', 'unclear', (response) => void response.writeHead(412).end()],
    ['a 500', 'unclear', (response) => void response.writeHead(500).end()],
    ['a 429', 'unclear', (response) => void response.writeHead(429).end()],
    ['a reset', 'unclear', (response) => void response.destroy()],
    ['a 403', 'failed', (response) => void response.writeHead(403).end('no')],
    ['a redirect', 'failed', (response) => void response.writeHead(308, { location: '/elsewhere' }).end()],
  ];
  for (const [name, kind, act] of cases) {
    test(`${name} is ${kind}`, async () => {
      const agent = person(name.replaceAll(' ', '-'));
      onPatch(act);
      const result = await executor().execute(suspending(agent.userName), 1, patient());
      assert.equal(result.kind, kind, result.detail);
      assert.equal(result.nothing_sent, undefined);
      assert.ok(!directory.asked().includes('PATCH /elsewhere'));
      const later = await executor().execute(suspending(agent.userName), 2, patient());
      assert.equal(later.kind, 'unclear', 'an earlier attempt may have been taken');
    });
  }

  test('a change that was made before the answer was lost is found by looking', async () => {
    const agent = person('lost-answer');
    onPatch((response) => {
      agent.active = false;
      response.destroy();
    });
    assert.equal((await executor().execute(suspending('lost-answer'), 1, patient())).kind, 'unclear');
    assert.equal((await executor().probe?.(suspending('lost-answer'), patient()))?.kind, 'done');
  });

  test('a look-up that fails has sent nothing', async () => {
    directory.meddle((_, response) => {
      response.writeHead(503).end();
      return true;
    });
    const result = await executor().execute(suspending('anybody'), 1, patient());
    assert.deepEqual([result.kind, result.nothing_sent], ['unclear', true]);
  });

  test('nothing is changed after the deadline', async () => {
    const agent = person('too-late');
    assert.equal((await executor().execute(suspending('too-late', { deadline: 1 }), 1, patient())).kind, 'failed');
    assert.equal((await executor().execute(suspending('too-late', { deadline: 1 }), 2, patient())).kind, 'unclear');
    assert.equal(agent.active, true);
  });
});

type ExecutionResultKind = 'done' | 'failed' | 'unclear';

describe('a hostile directory', () => {
  const user = (over: object = {}): object => ({ id: 'u1', userName: 'agent-7', active: true, ...over });
  const list = (...Resources: object[]): object => ({ totalResults: Resources.length, Resources });

  /** What the executor does at a directory that answers every look-up so. */
  async function at(answer: object | string, headers: Record<string, string> = {}) {
    const patches: { url: string | undefined; match: string | undefined; body: string }[] = [];
    const base_url = await serve(async (request, response) => {
      const body = await bodyOf(request);
      if (request.method === 'PATCH') patches.push({ url: request.url, match: request.headers['if-match'], body });
      response.writeHead(200, headers).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
    });
    const result = await executor({ base_url }).execute(suspending('agent-7'), 1, patient());
    return { result, patches };
  }

  const untouched: [string, object | string][] = [
    ['that answers with somebody else', list(user({ userName: 'the-ceo' }))],
    ['that ignores the filter', list(user({ id: 'u1' }), user({ id: 'u2', userName: 'the-ceo' }), user({ id: 'u3' }))],
    ['that has more than it shows', { totalResults: 5, Resources: [user()] }],
    ['with an id that leads elsewhere', list(user({ id: '..' }))],
    ['with an id that is none', list(user({ id: 7 }), user({ id: '' }), user({ id: 'x'.repeat(5_000) }))],
    ['that answers with no list', { Resources: 'all' }],
    ['that answers with nonsense', '<html>'],
    ['that answers without end', `{"Resources":[],"x":"${'y'.repeat(300_000)}"}`],
  ];
  for (const [name, answer] of untouched) {
    test(`${name} changes nobody`, async () => {
      const { result, patches } = await at(answer);
      assert.ok(result.kind !== 'done', result.detail);
      assert.deepEqual(patches, []);
    });
  }

  test('may compare userName without case, and nothing else', async () => {
    assert.equal((await at(list(user({ userName: 'Agent-7' })))).patches.length, 1);
  });

  test('cannot lead out of the resource with an id', async () => {
    const { patches } = await at(list(user({ id: '../Groups/1?x=' })));
    assert.equal(patches[0]?.url, '/Users/..%2FGroups%2F1%3Fx%3D');
  });

  test('that does not say what is active is not believed', async () => {
    const { result } = await at(list(user({ active: 'false' })));
    assert.equal(result.kind, 'unclear');
  });

  test('has its version sent back, if it is one', async () => {
    const match = async (version: unknown) => (await at(list(user({ meta: { version } })))).patches[0]?.match;
    assert.equal(await match('W/"3694e05e9dff590"'), 'W/"3694e05e9dff590"');
    assert.equal(await match('"a"\r\nx-evil: 1'), undefined);
    assert.equal(await match('*'), undefined);
    assert.equal(await match(7), undefined);
  });
});

test('it suspends and lifts, nothing else, and its dry run shows no token', async () => {
  const scim = executor();
  const order = { direction: 'contain', identity_kind: 'agent', tenant: 'default' } as const;
  assert.ok(scim.carriesOut({ ...order, action: 'suspend_agent' }));
  assert.ok(scim.carriesOut({ ...order, action: 'suspend_agent', direction: 'restore' }));
  assert.ok(!scim.carriesOut({ ...order, action: 'revoke_credential' }));
  const text = scim.dryRun(suspending('agent-7'));
  assert.match(text, /"path":"active","value":false/);
  assert.ok(!text.includes(TOKEN));
  assert.deepEqual(directory.asked(), []);
});
