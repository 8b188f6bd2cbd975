import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ROUTES } from '../../services/api/routes/index.ts';
import { gapOf } from '../../services/platform/gaps.ts';
import { until } from '../deliver/receiver.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { type Service, startService } from './support/service.ts';

const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const missing = ['bash', 'curl', 'jq', 'gzip'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);

/** Examples in order, each with the answer that the page shows below it. */
const EXAMPLES = [...page.matchAll(/^```sh\n([\s\S]*?)^```$(?:\s*^```json\n([\s\S]*?)^```$)?/gm)].map((found) => ({
  script: found[1] ?? '',
  shown: found[2] === undefined ? undefined : (JSON.parse(found[2]) as unknown),
  line: page.slice(0, found.index).split('\n').length,
}));

test('the table of docs/api.md is the route table', () => {
  const rows = [...page.matchAll(/^\| `([A-Z]+ \/[^`]*)` \| ([a-z, ]+) \| [^|]+ \|$/gm)];
  const documented = rows.map(([, route, roles]) => `${route}: ${roles}`);
  const routes = ROUTES.map(({ method, url, access }) => {
    const roles = access === 'open' ? 'none' : access === 'authenticated' ? 'any' : access.join(', ');
    return `${String(method)} ${url}: ${roles}`;
  });
  assert.deepEqual(documented.toSorted(), routes.toSorted());
});

describe('docs/api.md', { concurrency: 1, skip: missing.length > 0 && `needs ${missing.join(', ')}` }, () => {
  let service: Service;
  before(async () => {
    service = await startService();
    await service.raise(...[1, 2, 3, 4].map((n) => plainAlert({ uid: String(n).repeat(32), updated: n })));
    for (const id of service.ports.control.state.containments.keys()) await service.stepUp('root', id);
  });
  after(() => service.close());
  before(async () => {
    const found = { stage: 'ingest', topic: 'agent.audit.raw', partition: 3, reason: 'offset_before_log' } as const;
    await service.gaps.report(gapOf({ ...found, message: 'deleted before it was read', lost: 120 }, [1]));
    await until(() => service.ports.control.state.gaps.size > 0);
  });

  /** Examples use variables of those before them: each shell hands its own to the next. */
  const variables: string[] = [];
  const run = async (script: string): Promise<string> => {
    const names = 'declare -p uid seen id key page 2>/dev/null || true';
    const { stdout } = await promisify(execFile)(
      'bash',
      ['-euo', 'pipefail', '-c', `${variables.join('\n')}\n${script}\nprintf '\\n---\\n'\n${names}`],
      {
        env: {
          PATH: process.env.PATH,
          COUNTERSIGN_URL: service.url,
          COUNTERSIGN_API_KEY: service.tokens.root,
          INGEST_KEY: service.tokens.ingest,
          SIEM_KEY: service.tokens.siem,
        },
      },
    );
    const [output = '', declared = ''] = stdout.split('\n---\n');
    variables.splice(0, variables.length, declared);
    await service.drain();
    return output;
  };

  for (const { script, shown, line } of EXAMPLES) {
    test(`the example of line ${line} does what the page says`, async () => {
      const output = await run(script);
      if (script.includes('/stream')) assert.match(output, /^event: alert$/m);
      if (shown !== undefined) matches(JSON.parse(output), shown, `line ${line}`);
    });
  }

  test('every kind of thing that can be asked has an example', () => {
    const used = EXAMPLES.map(({ script }) => script).join('\n');
    for (const { url } of ROUTES) {
      const fixed = url.split('/:')[0] ?? '';
      assert.ok(used.includes(fixed), `${url} has no example`);
    }
  });
});

/** What the page shows is there, with the same types; the first element of a list stands for all. */
function matches(actual: unknown, shown: unknown, at: string): void {
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(actual), `${at} is no list`);
    if (shown.length === 0) return;
    assert.ok(actual.length > 0, `${at} is empty`);
    matches(actual[0], shown[0], `${at}[0]`);
  } else if (typeof shown === 'object' && shown !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${at} is no object`);
    for (const [name, value] of Object.entries(shown)) {
      assert.ok(name in actual, `${at}.${name} is not there: ${JSON.stringify(actual).slice(0, 300)}`);
      matches((actual as Record<string, unknown>)[name], value, `${at}.${name}`);
    }
  } else {
    assert.equal(typeof actual, typeof shown, at);
  }
}
