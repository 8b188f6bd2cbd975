import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Containment } from '../../schemas/containment.ts';
import { Oauth2ExecutorConfig } from '../../schemas/executor-config.ts';
import { createExecutions } from '../../services/contain/executions.ts';
import { decide, type MachineCommand } from '../../services/contain/machine.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { alertOf, contextOf, NOW } from '../contain/samples.ts';
import { manualClock } from '../support/manual-clock.ts';
import { dispatched } from './dispatch.ts';
import { type Authority, openAuthority, SECRET } from './provider.ts';
import { open } from './support.ts';

let authority: Authority;
let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-lying-'));
  authority = await openAuthority();
});
after(() => rm(directory, { recursive: true, force: true }));

/** From the dispatch to its end: attempts, reports to the machine, and repeats as long as that asks for them. */
async function carryOut(): Promise<Containment> {
  const clock = manualClock(NOW);
  const path = join(directory, 'tokens.json');
  const settings = { name: 'idp', type: 'oauth2', issuer: authority.issuer, client_id: 'basic' };
  const parsed = Oauth2ExecutorConfig.parse({
    ...settings,
    client_secret_file: 'secret',
    token_source: { type: 'file', path },
  });
  const executor = open(parsed, { client_secret_file: SECRET }, { clock });
  const executions = createExecutions({
    clock,
    telemetry: silentTelemetry(),
    policy: BUILT_IN_POLICY,
    executors: [executor],
  });
  const { refresh } = await authority.grant('basic');
  await writeFile(path, JSON.stringify({ 'cred-1': { token: refresh } }));
  const recommendation = { action: 'revoke_credential', target: 'cred-1', parameters: {}, reason: 'stolen' } as const;
  let containment = dispatched('idp', 1, alertOf({ recommendation }));
  const change = (command: MachineCommand): boolean => {
    const decision = decide(containment, command, contextOf({ now: clock.now() }));
    if (decision.kind === 'changed') containment = decision.next;
    return decision.kind === 'changed';
  };
  while (containment.state === 'dispatching') {
    executions.start(containment);
    await executions.settled();
    for (const { result, repeatable } of executions.takeReports()) change({ type: 'report', result, repeatable });
    if (containment.state !== 'dispatching') break;
    executions.retryLater(containment);
    clock.advance(executions.nextRetry() - clock.now());
    executions.takeRetries();
    if (!change({ type: 'retry' })) {
      clock.advance(BUILT_IN_POLICY.executor_timeout_ms);
      assert.ok(change({ type: 'tick' }), 'the deadline and a timeout are over');
    }
  }
  return containment;
}

test('an authorization server that says 200 and revokes nothing ends as unknown, not as succeeded', async () => {
  authority.meddle((request, response) => {
    if (request.url !== '/token/revocation') return false;
    response.writeHead(200).end();
    return true;
  });
  const { state, execution } = await carryOut();
  assert.equal(state, 'unknown');
  assert.match(execution?.detail ?? '', /active/);
  assert.equal(execution?.attempts, 6, 'after 1, 2, 4, 8 and 16 seconds; the next would come after the deadline');
  assert.equal(authority.asked().filter((line) => line === 'POST /token/revocation').length, 6);
});

test('one whose first answers are lost ends as succeeded, and is not asked again once it is done', async () => {
  let lost = 0;
  authority.meddle((request, response) => {
    if (request.url !== '/token/revocation' || lost === 2) return false;
    lost += 1;
    response.destroy();
    return true;
  });
  const { state, execution } = await carryOut();
  assert.equal(state, 'succeeded', execution?.detail);
  assert.equal(execution?.attempts, 3);
  assert.equal(authority.asked().filter((line) => line === 'POST /token/revocation').length, 3);
});
