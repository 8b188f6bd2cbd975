import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createExecutions } from '../../services/contain/executions.ts';
import type { ExecutionResult, Executor, ProbeResult } from '../../services/contain/executor.ts';
import { BUILT_IN_POLICY } from '../../services/contain/policy.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { NOW } from '../contain/samples.ts';
import { manualClock } from '../support/manual-clock.ts';
import { dispatched } from './dispatch.ts';

const UNCLEAR: ExecutionResult = { kind: 'unclear', detail: 'HTTP 500' };
const NOTHING: ExecutionResult = { kind: 'unclear', detail: 'no answer: ECONNREFUSED', nothing_sent: true };
const DONE: ProbeResult = { kind: 'done', detail: 'it is off' };
const NOT_DONE: ProbeResult = { kind: 'not_done', detail: 'it is on' };

type Told = {
  readonly answers: ExecutionResult[];
  readonly probes?: ProbeResult[];
  readonly repeatable?: boolean;
};

/** Attempts at one dispatch, by an executor that answers as told; what came of each, and what was asked of it. */
function dispatch({ answers, probes, repeatable = true }: Told) {
  const calls: string[] = [];
  const clock = manualClock(NOW);
  const executor: Executor = {
    name: 'told',
    idempotent: repeatable,
    canProbe: repeatable,
    carriesOut: () => true,
    dryRun: () => '',
    async execute() {
      calls.push('execute');
      return answers.shift() ?? assert.fail('asked too often');
    },
    ...(probes !== undefined && {
      async probe() {
        calls.push('probe');
        return probes.shift() ?? assert.fail('looked at too often');
      },
    }),
  };
  const executions = createExecutions({
    clock,
    telemetry: silentTelemetry(),
    policy: BUILT_IN_POLICY,
    executors: [executor],
  });
  const attempt = async (attempts: number, now = NOW) => {
    clock.advance(now - clock.now());
    executions.start(dispatched('told', attempts));
    await executions.settled();
    const [report = assert.fail('no report')] = executions.takeReports();
    return report;
  };
  return { attempt, calls };
}

describe('an attempt', () => {
  test('that is answered is not looked after', async () => {
    const { attempt, calls } = dispatch({ answers: [{ kind: 'done', detail: 'HTTP 204' }], probes: [] });
    assert.equal((await attempt(1)).result.kind, 'done');
    assert.deepEqual(calls, ['execute']);
  });

  test('whose answer was lost is done when looking shows it', async () => {
    const { attempt, calls } = dispatch({ answers: [UNCLEAR], probes: [DONE] });
    const { result } = await attempt(1);
    assert.deepEqual(result, { kind: 'done', detail: 'HTTP 500; then it was looked at: it is off' });
    assert.deepEqual(calls, ['execute', 'probe']);
  });

  test('that shows no effect yet is unclear, never failed: the order may still arrive', async () => {
    const { attempt } = dispatch({ answers: [UNCLEAR], probes: [NOT_DONE] });
    const { result, repeatable } = await attempt(1);
    assert.deepEqual([result.kind, repeatable], ['unclear', true]);
  });

  test('looks before it asks again, and asks only if need be', async () => {
    const late = dispatch({ answers: [], probes: [DONE] });
    assert.equal((await late.attempt(2)).result.kind, 'done');
    assert.deepEqual(late.calls, ['probe'], 'nothing was sent twice');
    const needed = dispatch({ answers: [{ kind: 'done', detail: 'HTTP 204' }], probes: [NOT_DONE] });
    assert.equal((await needed.attempt(2)).result.kind, 'done');
    assert.deepEqual(needed.calls, ['probe', 'execute']);
  });

  test('of an executor that cannot look is as its answer says', async () => {
    const { attempt, calls } = dispatch({ answers: [UNCLEAR], repeatable: false });
    const { result, repeatable } = await attempt(1);
    assert.deepEqual([result, repeatable], [UNCLEAR, false]);
    assert.deepEqual(calls, ['execute']);
  });
});

describe('an attempt in which nothing left', () => {
  test('is safe to repeat with any executor', async () => {
    const { attempt } = dispatch({ answers: [NOTHING, UNCLEAR], repeatable: false });
    assert.equal((await attempt(1)).repeatable, true);
    assert.equal((await attempt(2)).repeatable, false, 'but not once something may have');
  });

  test('is not safe when an attempt of another process may have sent something', async () => {
    const { attempt } = dispatch({ answers: [NOTHING], repeatable: false });
    assert.equal((await attempt(2)).repeatable, false);
  });

  test('is a failure at the end, and no case for a person', async () => {
    const { attempt } = dispatch({ answers: [NOTHING, NOTHING] });
    assert.equal((await attempt(1)).result.kind, 'unclear');
    const { result } = await attempt(2, NOW + 59_500);
    assert.deepEqual(result, {
      kind: 'failed',
      detail: 'nothing was sent before the deadline: no answer: ECONNREFUSED',
    });
  });

  test('stays unclear at the end when an earlier one may have sent something', async () => {
    const { attempt } = dispatch({ answers: [UNCLEAR, NOTHING] });
    await attempt(1);
    assert.equal((await attempt(2, NOW + 59_500)).result.kind, 'unclear');
  });
});
