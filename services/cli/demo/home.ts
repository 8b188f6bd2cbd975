import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CreatedLink, SignedInAnswer } from '../../../schemas/api/sign-in.ts';
import { LOCAL_ISSUER } from '../../../schemas/principal.ts';
import { bootstrapCredentials, type Credential, issueRecoveryKey } from '../../control/bootstrap.ts';
import { systemClock } from '../../platform/clock.ts';
import { dataDirAt } from '../../platform/data-dir.ts';
import type { EventLog } from '../../platform/event-log.ts';
import { at, type Client } from '../client.ts';
import { EXIT, Problem } from '../problem.ts';

/** Where a demo keeps its things. */
export type Home = {
  readonly recording: string;
  readonly labels: string;
  readonly data: string;
  readonly key_file: string;
  readonly password_file: string;
  /** True when nothing of it stays after the end. */
  readonly passing: boolean;
  remove(): void;
};

/** A temporary directory, or the named one, which stays. `data` puts the data of the service elsewhere. */
export function makeHome({ keep, data }: { readonly keep?: string; readonly data?: string }): Home {
  const root = keep === undefined ? fs.mkdtempSync(path.join(os.tmpdir(), 'countersign-demo-')) : path.resolve(keep);
  try {
    fs.mkdirSync(root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new Problem('keep_unusable', `cannot use ${root}: ${(error as Error).message}`, EXIT.usage);
  }
  const recording = path.join(root, 'fleet.ndjson');
  return {
    recording,
    labels: `${recording}.labels.ndjson`,
    data: data === undefined ? path.join(root, 'data') : path.resolve(data),
    key_file: path.join(root, 'admin.key'),
    password_file: path.join(root, 'admin.password'),
    passing: keep === undefined,
    remove() {
      if (keep === undefined) fs.rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A demo fleet is small, and each partition costs a little whenever a prior is built. */
const CONFIGURATION =
  '# Written by `countersign demo`, so that `countersign up` finds its data as it is.\nlog:\n  partitions: 2\n';

/** A new data directory gets a configuration of its own; one that is there keeps what it has. */
export function settle({ data }: Home): void {
  const file = path.join(data, 'countersign.yaml');
  if (fs.existsSync(file) || fs.existsSync(dataDirAt(data).log)) return;
  fs.mkdirSync(data, { recursive: true, mode: 0o700 });
  // What is there may be of something else: then the service says so, and nothing was added to it.
  if (fs.readdirSync(data).length === 0) fs.writeFileSync(file, CONFIGURATION, { flag: 'wx' });
}

/** Writes the administrator's key where the commands find it: the first one, or on a data directory that has users, a new one. */
export async function keepKey(home: Home, log: EventLog, credentials: readonly Credential[]): Promise<string> {
  const means = { clock: systemClock, randomBytes };
  const first = credentials.length > 0 ? credentials : await bootstrapCredentials(log, means);
  const admin =
    first.find(({ roles }) => roles.includes('admin')) ??
    (await issueRecoveryKey(log, { issuer: 'local', subject: 'admin' }, means));
  if (admin === undefined) {
    throw new Problem('admin_missing', `${home.data} has no user called admin: choose another --data`, EXIT.failed);
  }
  fs.rmSync(home.key_file, { force: true });
  fs.writeFileSync(home.key_file, `${admin.token}\n`, { mode: 0o600, flag: 'wx' });
  return admin.token;
}

/** Gives the administrator a password, as votes need one, by a one-time link, and writes it where the commands find it. */
export async function keepPassword(home: Home, client: Client): Promise<void> {
  const link = await client.send('POST', `${at('principals', LOCAL_ISSUER, 'admin')}/link`, CreatedLink, {});
  const password = randomBytes(18).toString('base64url');
  const token = link.path.split('#').at(-1) ?? '';
  await client.send('POST', '/auth/link', SignedInAnswer, { token, password });
  fs.rmSync(home.password_file, { force: true });
  fs.writeFileSync(home.password_file, `${password}\n`, { mode: 0o600, flag: 'wx' });
}
