import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { createChdbConnection } from 'chdb/connection';
import type { Fault, FaultPlan, FromChild, ToChild } from './clickhouse-http-front.ts';

/** The other process of `clickhouse-http-front.ts`: HTTP on one side, a chDB session on the other. */

const [directory, wantedPort] = process.argv.slice(2) as [string, string];
const session = createChdbConnection({ path: directory });
const spool = join(directory, 'front');
await rm(spool, { recursive: true, force: true });
await mkdir(spool);

/** Of the transport, so they mean nothing to chDB. Any other per-call setting is refused: the store must not use them. */
const TRANSPORT = new Set(['query', 'query_id', 'database', 'wait_end_of_query', 'enable_http_compression']);
const INSERT = /^INSERT INTO (\w+) \(([^)]*)\)( SETTINGS .*)? FORMAT RowBinary$/;
const ALL_REQUESTS = Number.POSITIVE_INFINITY;

let plan: { readonly fault: Fault; readonly on: FaultPlan['on']; left: number } | undefined;
/** Connections of requests that got no answer. */
const hanging = new Set<Socket>();
let database = 'default';
let files = 0;
let last: Promise<unknown> = Promise.resolve();

const server = createServer({ maxHeaderSize: 1 << 21 }, (request, response) => {
  serve(request, response).catch((error: unknown) => {
    process.stderr.write(`front: ${String(error)}\n`);
    response.destroy();
  });
});
// A client that went away mid-request is expected here.
server.on('clientError', (_error, socket) => socket.destroy());

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://front');
  if (url.pathname === '/ping') return void response.end('Ok.\n');
  const isInsert = url.searchParams.get('query')?.startsWith('INSERT') === true;
  const fault = takeFault(isInsert);
  if (fault?.kind === 'reset_before') return void request.socket.destroy();
  if (fault?.kind === 'reset_mid_body') return void request.once('data', () => request.socket.destroy());
  const body = await bodyOf(request);
  if (body === undefined) return;
  if (fault?.kind === 'hang_before') return void hanging.add(request.socket);
  if (fault?.kind === 'status') return void answer(request, response, fault.status, Buffer.from('upstream failed\n'));
  if (fault?.kind === 'exception') return void fail(request, response, fault.code, fault.type, 'injected');
  if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms));
  await execute(request, response, url, body, fault);
}

async function execute(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: Buffer,
  fault: Fault | undefined,
): Promise<void> {
  const query = url.searchParams.get('query');
  let result: Buffer;
  try {
    result = await inTurn(async () => {
      await useDatabase(url.searchParams.get('database') ?? 'default');
      refuseSettings(url);
      return query === null ? run(body.toString('utf8'), url) : insert(query, body);
    });
  } catch (error) {
    const { code, type, message } = error as { code?: string; type?: string; message: string };
    return fail(request, response, Number(code ?? 1002), type ?? 'UNKNOWN_EXCEPTION', message);
  }
  if (fault?.kind === 'hang_after') return void hanging.add(request.socket);
  if (fault?.kind === 'reset_after') return void request.socket.destroy();
  if (fault?.kind === 'truncated') return truncate(response, result);
  answer(request, response, 200, result);
}

async function run(statement: string, url: URL): Promise<Buffer> {
  const params = boundParams(statement, url);
  const { stream } = await session.exec({
    query: statement,
    ...(Object.keys(params).length === 0 ? {} : { query_params: params }),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** chDB takes RowBinary from files only, so the body goes through one, under the table's own types. */
async function insert(statement: string, body: Buffer): Promise<Buffer> {
  const match = INSERT.exec(statement);
  if (match === null) throw new Error(`the front does not speak ${JSON.stringify(statement)}`);
  const [, table, columns, settings] = match as unknown as [string, string, string, string | undefined];
  const described = await run(`DESCRIBE TABLE ${table} FORMAT JSONEachRow`, new URL('http://front'));
  const types = new Map(
    described
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { name: string; type: string })
      .map(({ name, type }) => [name, type]),
  );
  const structure = columns
    .split(', ')
    .map((column) => `${column} ${types.get(column.replaceAll('`', ''))}`)
    .join(', ')
    .replaceAll("'", "\\'");
  files += 1;
  const file = join(spool, `${files}.bin`);
  await writeFile(file, body);
  try {
    const source = `SELECT * FROM file('${file}', 'RowBinary', '${structure}')`;
    return await run(`INSERT INTO ${table} (${columns})${settings ?? ''} ${source}`, new URL('http://front'));
  } finally {
    await rm(file, { force: true });
  }
}

async function useDatabase(name: string): Promise<void> {
  if (name === database) return;
  await session.command({ query: `USE ${name}` });
  database = name;
}

function refuseSettings(url: URL): void {
  for (const name of url.searchParams.keys()) {
    if (TRANSPORT.has(name) || name.startsWith('param_')) continue;
    throw Object.assign(new Error(`per-call setting ${name}`), { code: '115', type: 'UNKNOWN_SETTING' });
  }
}

/** A text parameter arrives escaped as in TSV, an array as a literal; chDB's binding wants the plain values. */
function boundParams(statement: string, url: URL): Record<string, unknown> {
  const bound: Record<string, unknown> = {};
  for (const [name, raw] of url.searchParams) {
    if (!name.startsWith('param_')) continue;
    const plain = name.slice('param_'.length);
    const isArray = statement.includes(`{${plain}:Array(`);
    bound[plain] = isArray ? arrayOf(raw) : unescaped(raw);
  }
  return bound;
}

function arrayOf(literal: string): (string | number)[] {
  const items = literal.matchAll(/'((?:[^'\\]|\\.)*)'|(-?[0-9.]+)/gs);
  return [...items].map(([, text, number]) => (text === undefined ? Number(number) : unescaped(text)));
}

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', 0: '\0', b: '\b', f: '\f' };
const unescaped = (text: string): string => text.replaceAll(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char);

function takeFault(isInsert: boolean): Fault | undefined {
  if (plan === undefined || (plan.on === 'insert' && !isInsert) || plan.left === 0) return undefined;
  plan.left -= 1;
  return plan.fault;
}

/** Undefined when the client left before the end of its body. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer);
  } catch {
    return undefined;
  }
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

function answer(request: IncomingMessage, response: ServerResponse, status: number, body: Buffer): void {
  const zip = request.headers['accept-encoding']?.includes('gzip') === true && request.url?.includes('compression=1');
  const bytes = zip === true ? gzipSync(body) : body;
  response.writeHead(status, {
    'content-length': bytes.length,
    'content-type': 'application/octet-stream',
    ...(zip === true ? { 'content-encoding': 'gzip' } : {}),
  });
  response.end(bytes);
}

function fail(request: IncomingMessage, response: ServerResponse, code: number, type: string, message: string): void {
  response.setHeader('X-ClickHouse-Exception-Code', String(code));
  const text = `Code: ${code}. DB::Exception: ${message} (${type}) (version 26.7.2.1)\n`;
  answer(request, response, code === 60 ? 404 : 500, Buffer.from(text));
}

function truncate(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'content-length': body.length + 2 });
  response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy());
}

/** chDB takes one statement at a time. */
function inTurn<T>(job: () => Promise<T>): Promise<T> {
  const result = last.then(job, job);
  last = result.catch(() => undefined);
  return result;
}

const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

function stopListening(): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}

const send = (message: FromChild): void => void process.send?.(message);

process.on('message', (message: ToChild) => {
  void obey(message);
});
// The tests' process is gone, whatever became of it.
process.on('disconnect', () => process.exit(0));

async function obey(message: ToChild): Promise<void> {
  if (message === 'close') {
    await stopListening();
    await last;
    await session.close();
    process.exit(0);
  }
  if (message === 'heal') {
    plan = undefined;
    for (const socket of hanging) socket.destroy();
    hanging.clear();
    if (!server.listening) await listen(port);
  } else {
    plan = { fault: message.plan.fault, on: message.plan.on, left: message.plan.times ?? ALL_REQUESTS };
    if (message.plan.fault.kind === 'refuse') await stopListening();
  }
  send('done');
}

await listen(Number(wantedPort));
const { port } = server.address() as AddressInfo;
send({ port });
