import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { whyNoJars } from '../support/kafka/jars.ts';
import { embeddedEnvironment, type OpenEnvironment } from './environment.ts';
import { kafkaEnvironments } from './kafka-environment.ts';
import { type FaultKind, KINDS } from './kinds.ts';
import { runScenario } from './scenario.ts';

/**
 * A few faults of the many that `npm run faults` strikes: real processes are killed, stopped and cut off while they work,
 * and what they leave must be what an undisturbed run makes of the same log.
 */
const missing = whyNoJars();
const kindsOf = (names: readonly string[]): FaultKind[] =>
  names.map((name) => {
    const found = KINDS.find((kind) => kind.name === name);
    if (found === undefined) throw new RangeError(`no kind is called ${name}`);
    return found;
  });

async function holds(open: OpenEnvironment, seed: number, names: readonly string[], say: (what: string) => void) {
  const outcome = await runScenario({ seed, serial: seed, kinds: kindsOf(names), open });
  say(`${outcome.compared}; ${outcome.seconds.toFixed(0)} s`);
  assert.deepEqual(
    outcome.differences.map((difference) => difference.slice(0, 2_000)),
    [],
    `the evidence lies in ${outcome.folder}`,
  );
}

describe('faults on the embedded log', () => {
  test('killed, killed at steps of its writes, its log and its store failing', (t) =>
    holds(embeddedEnvironment, 7, ['kill', 'step', 'log_fails', 'store_fails', 'kill_at_start'], t.diagnostic.bind(t)));
  test('the log read again from its start by processes that die', (t) =>
    holds(embeddedEnvironment, 8, ['replay'], t.diagnostic.bind(t)));
});

describe('faults on Kafka', {
  skip: missing === undefined ? false : `NOT RUN: no Kafka broker can be started, ${missing}`,
}, () => {
  const environments = missing === undefined ? kafkaEnvironments() : undefined;
  after(async () => (await environments)?.close());
  const open: OpenEnvironment = async (options) => {
    if (environments === undefined) throw new Error('there is no broker');
    return (await environments).open(options);
  };
  test('killed, taken for dead, the broker killed, the store cutting connections', (t) =>
    holds(open, 9, ['kill', 'zombie', 'broker_killed', 'store_resets', 'rebalance'], t.diagnostic.bind(t)));
});
