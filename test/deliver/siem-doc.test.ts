import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { Webhook } from 'standardwebhooks';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import { OcsfDetectionFinding } from '../../schemas/ocsf/detection-finding.ts';
import { toOcsf } from '../../schemas/ocsf/to-ocsf.ts';
import { CURSOR_ERRORS } from '../../services/deliver/cursor.ts';
import { readFeed } from '../../services/deliver/pull.ts';
import { systemClock } from '../../services/platform/clock.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import { plainAlert } from '../ocsf/alerts.ts';
import { SECRET } from './receiver.ts';
import { revisionOf, simulated, writeFeed } from './support.ts';

const PAGE = new URL('../../docs/siem.md', import.meta.url);
const page = readFileSync(PAGE, 'utf8');
const PYTHON = process.env.PYTHON ?? 'python3';
const noPython = spawnSync(PYTHON, ['--version']).status !== 0 && 'needs Python 3';
const noCurl = spawnSync('curl', ['--version']).status !== 0 && 'needs curl';

/** The nth code block of a language. */
function block(language: string, index = 0): string {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))][index]?.[1];
  assert.ok(found !== undefined, `docs/siem.md has no block ${index} of ${language}`);
  return found;
}

const body = JSON.stringify(toOcsf(plainAlert({ title: 'Ümlaut' })));
const now = new Date(systemClock.now());
const headers = {
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
  'webhook-signature': `v1,AAAA ${new Webhook(SECRET).sign('msg_1', now, body)}`,
};
/** What a receiver may be sent, and whether it is to be taken. */
const messages = [
  { headers, body, taken: true },
  { headers, body: body.replace('High', 'Low'), taken: false },
  { headers: { ...headers, 'webhook-id': 'msg_2' }, body, taken: false },
  {
    headers: { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 301) },
    body,
    taken: false,
  },
  { headers: { ...headers, 'webhook-signature': 'v1,AAAA' }, body, taken: false },
];

describe('docs/siem.md', () => {
  it('verifies messages in Python', { skip: noPython }, () => {
    const script = `${block('python')}
import json, sys
for message in json.load(sys.stdin):
    try:
        verify(${JSON.stringify(SECRET)}, message["headers"], message["body"].encode())
        print("taken")
    except ValueError:
        print("refused")
`;
    const run = spawnSync(PYTHON, ['-c', script], { input: JSON.stringify(messages), encoding: 'utf8' });
    assert.deepEqual(
      run.stdout.trim().split('\n'),
      messages.map(({ taken }) => (taken ? 'taken' : 'refused')),
      run.stderr,
    );
  });

  it('verifies messages in Node', async (t) => {
    const directory = await scratch(t);
    const path = join(directory, 'verify.mjs');
    await writeFile(path, block('js'));
    const { verify } = (await import(path)) as {
      verify: (secret: string, headers: Record<string, string>, body: Buffer) => void;
    };
    for (const message of messages) {
      const run = () => verify(SECRET, message.headers, Buffer.from(message.body));
      if (message.taken) run();
      else assert.throws(run);
    }
  });

  it('pulls with curl', { skip: noCurl }, async (t) => {
    const { log } = simulated();
    await writeFeed(log, [revisionOf('a', 1), revisionOf('b', 1)]);
    const { url } = await serve(t, log);
    const first = await curl(url, block('sh').replace('&wait_s=30&cursor=$CURSOR', ''), '');
    assert.deepEqual(uids(first.items), ['a:1', 'b:1']);
    await writeFeed(log, [revisionOf('c', 1)]);
    const next = await curl(url, block('sh'), first.next_cursor);
    assert.deepEqual(uids(next.items), ['c:1']);
  });

  it('pulls with a program that may be stopped at any time', { skip: noPython, timeout: 30_000 }, async (t) => {
    const { log } = simulated();
    const { url } = await serve(t, log);
    const cwd = await scratch(t);
    const got: string[] = [];
    const all = Array.from({ length: 6 }, (_, i) => `a${i}:1`);
    // Each run gets what was appended since the one before, which was killed while it waited for more.
    for (const uid of [0, 2, 4]) {
      await writeFeed(log, [revisionOf(`a${uid}`, 1), revisionOf(`a${uid + 1}`, 1)]);
      const child = spawn(PYTHON, ['-c', block('python', 1)], {
        cwd,
        env: { ...process.env, COUNTERSIGN_URL: url, COUNTERSIGN_KEY: 'k' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      t.after(() => child.kill('SIGKILL'));
      const asked = waitsFor(log, uid + 2);
      for await (const line of createInterface({ input: child.stdout })) {
        got.push((JSON.parse(line) as OcsfDetectionFinding).metadata.uid);
        if (got.length === uid + 2) break;
      }
      await asked;
      child.kill('SIGKILL');
    }
    assert.deepEqual(got, all);
  });

  it('lists every attribute that is written and no other', () => {
    const table = page.slice(page.indexOf('## What the fields hold'), page.indexOf('## An example'));
    const listed = [...table.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, names]) =>
      [...(names as string).matchAll(/`([a-z_]+)`/g)].map(([, name]) => name),
    );
    assert.deepEqual(listed.sort(), Object.keys(OcsfDetectionFinding.shape).sort());
  });

  it('lists every error of a cursor', () => {
    const listed = [...page.matchAll(/^\| `(cursor_[a-z_]+)` \| \d+ \|/gm)].map(([, code]) => code);
    assert.deepEqual(listed, [...CURSOR_ERRORS]);
  });

  it('names the limits as they are', () => {
    const sentences = [
      `an attempt ends after ${LIMITS.webhook_timeout_ms / UNITS.SECOND_MS} seconds`,
      `a random pause below ${LIMITS.webhook_retry_ms / UNITS.SECOND_MS} seconds`,
      `doubling to at most ${LIMITS.webhook_retry_ms_max / UNITS.MINUTE_MS} minutes`,
      `up to ${LIMITS.webhook_retry_after_ms_max / UNITS.HOUR_MS} hour`,
      `after ${LIMITS.webhook_give_up_ms / UNITS.DAY_MS} days`,
      `From the ${LIMITS.webhook_probe_attempts}th failed attempt`,
    ];
    const text = page.replaceAll(/\s+/g, ' ');
    for (const sentence of sentences) assert.ok(text.includes(sentence), sentence);
  });

  it('shows an example that is what is written today', () => {
    const example = `${JSON.stringify(toOcsf(plainAlert()), undefined, 2)}\n`;
    if (process.env.UPDATE_DOCS === '1')
      writeFileSync(
        PAGE,
        page.replace(block('json'), () => example),
      );
    else assert.equal(block('json'), example, 'run UPDATE_DOCS=1 node --test test/deliver/siem-doc.test.ts');
  });
});

type Answer = { readonly items: OcsfDetectionFinding[]; readonly next_cursor: string };
const uids = (items: readonly OcsfDetectionFinding[]) => items.map(({ metadata }) => metadata.uid);

/** The route of the API in small: the same path and parameters over the same reader. */
async function serve(t: TestContext, log: EventLog): Promise<{ readonly url: string }> {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
    assert.equal(pathname, '/v1/siem/alerts');
    assert.match(request.headers.authorization ?? '', /^Bearer k$/);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    const cursor = searchParams.get('cursor');
    const wait = { ms: Number(searchParams.get('wait_s') ?? 0) * 1000, clock: systemClock, signal: gone.signal };
    const asked = { limit: Number(searchParams.get('limit')), ...(cursor === null ? {} : { cursor }), wait };
    readFeed(log, asked).then((result) => response.end(JSON.stringify(result)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function curl(url: string, script: string, cursor: string): Promise<Answer> {
  const env = { ...process.env, COUNTERSIGN_URL: url, COUNTERSIGN_KEY: 'k', CURSOR: cursor };
  const { stdout } = await promisify(execFile)('sh', ['-c', script], { env });
  return JSON.parse(stdout) as Answer;
}

/** Resolves once somebody waits for what comes at this offset: everything before it was read and kept. */
function waitsFor(log: EventLog, offset: number): Promise<void> {
  return new Promise((resolve) => {
    const original = log.waitBeyond;
    log.waitBeyond = (topic, partition, at, signal) => {
      if (at === offset) {
        log.waitBeyond = original;
        resolve();
      }
      return original(topic, partition, at, signal);
    };
  });
}

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-siem-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}
