/** What the test files need of `node:test`, in a form that can be run again and again in one process. */
let root = suite();
let at = root;

function suite() {
  return { tests: [], suites: [], each: [] };
}

const bodyOf = (rest) => rest.findLast((one) => typeof one === 'function');

export function describe(_name, ...rest) {
  const parent = at;
  at = suite();
  parent.suites.push(at);
  bodyOf(rest)();
  at = parent;
}

export function test(_name, ...rest) {
  at.tests.push(bodyOf(rest));
}

export function beforeEach(body) {
  at.each.push(body);
}

export function begin() {
  root = suite();
  at = root;
}

/** Runs what was declared since `begin`. Throws what the first failing test throws. */
export async function runAll(of = root, before = []) {
  const each = [...before, ...of.each];
  for (const body of of.tests) {
    for (const prepare of each) await prepare();
    await body({ diagnostic() {} });
  }
  for (const inner of of.suites) await runAll(inner, each);
}
