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
  const clusters = kafkaEnvironments();
  after(() => clusters.close());
  test('killed, taken for dead, partitions given on, the store cutting connections', (t) =>
    holds(clusters.open(false), 9, ['kill', 'zombie', 'store_resets', 'rebalance'], t.diagnostic.bind(t)));
  test('the broker killed', (t) => holds(clusters.open(true), 10, ['broker_killed'], t.diagnostic.bind(t)));
});
