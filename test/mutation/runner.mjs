import { registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Runs the test files in one process, each file as one test, so that a mutant costs the tests that reach it and not the start
 * of a process. Test files are loaded anew for each run, because what they compute at their top rests on the mutant as well.
 */
const TESTS = [
  'machine',
  'votes',
  'amendments',
  'requirements',
  'requests',
  'policies',
  'hands',
  'judged',
  'records',
  'dry-run',
];
const urlOf = (...parts) => pathToFileURL(path.resolve(...parts)).href;

class InProcessRunner {
  runs = 0;

  capabilities() {
    return { reloadEnvironment: false };
  }

  async init() {
    globalThis.__stryker__ ??= {};
    const fake = urlOf('test/mutation/node-test.mjs');
    const tests = urlOf('test/contain/');
    registerHooks({
      resolve: (specifier, context, next) =>
        specifier === 'node:test' && context.parentURL?.startsWith(tests)
          ? { url: fake, shortCircuit: true }
          : next(specifier, context),
    });
    await import(urlOf('test/support/fixed-seed.ts'));
    this.harness = await import(fake);
  }

  async runFile(name) {
    this.harness.begin();
    await import(`${urlOf('test/contain', `${name}.test.ts`)}?run=${++this.runs}`);
    await this.harness.runAll();
  }

  async dryRun() {
    const space = globalThis.__stryker__;
    // What is evaluated only when a module is loaded belongs to no test.
    for (const name of ['harness', 'decisions']) await import(urlOf('test/contain', `${name}.ts`));
    await import(urlOf('services/contain/dry-run.ts'));
    const tests = [];
    for (const name of TESTS) {
      space.currentTestId = name;
      const started = performance.now();
      try {
        await this.runFile(name);
        tests.push({ id: name, name, status: 0, timeSpentMs: performance.now() - started });
      } catch (error) {
        tests.push({ id: name, name, status: 1, failureMessage: String(error), timeSpentMs: 0 });
      }
    }
    space.currentTestId = undefined;
    return { status: 'complete', tests, mutantCoverage: space.mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter = TESTS, hitLimit }) {
    const space = globalThis.__stryker__;
    space.activeMutant = activeMutant.id;
    space.hitCount = hitLimit === undefined ? undefined : 0;
    space.hitLimit = hitLimit;
    let nrOfTests = 0;
    try {
      for (const name of testFilter) {
        nrOfTests += 1;
        try {
          await this.runFile(name);
        } catch (error) {
          if (hitLimit !== undefined && space.hitCount > hitLimit) return { status: 'timeout', reason: 'hit limit' };
          return { status: 'killed', killedBy: [name], failureMessage: String(error).slice(0, 500), nrOfTests };
        }
      }
      return { status: 'survived', nrOfTests };
    } finally {
      space.activeMutant = undefined;
    }
  }
}

export const strykerPlugins = [
  { kind: 'TestRunner', name: 'in-process', factory: Object.assign(() => new InProcessRunner(), { inject: [] }) },
];
