import fs from 'node:fs';
import path from 'node:path';
import { StatusAnswer } from '../../../schemas/api/status.ts';
import { systemClock } from '../../platform/clock.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import { type DataDir, dataDirAt, dataDirHolder } from '../../platform/data-dir.ts';
import type { DetectFacts, Facts, LogFacts, StoreFacts, Unopened } from '../../platform/doctor/doctor.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { silentTelemetry } from '../../platform/telemetry.ts';
import { createClient } from '../client.ts';
import { type ConnectionOptions, keyAtHand, urlOf } from '../connection.ts';
import { Problem } from '../problem.ts';
import { type Foundation, freeBytes, openFoundation, openStoreOf } from '../service/foundation.ts';
import { lookAtCluster, lookAtFile, refused } from './log-facts.ts';

type Options = ConnectionOptions & { readonly deep: boolean };
type Inside = Pick<Facts, 'store' | 'detect'>;

/**
 * Looks at a service from outside. Beside a running one the log is read as a second process, and detect is asked over the
 * API; without one log and store are opened here. Nothing is created where nothing is.
 */
export async function gatherFacts(loaded: LoadedConfig, options: Options): Promise<Facts> {
  const dir = dataDirAt(loaded.config.data_dir);
  const data_dir = dataDirFacts(dir);
  const running = data_dir.holder !== undefined;
  // Detect before the log: what it has applied then stands in the log as it is seen afterwards.
  const told = running ? await askService(options) : [];
  const log = await lookAtLog(loaded, dir, options);
  const inside = await lookAtStore(loaded, { dir, log, running, told });
  return {
    now_ms: systemClock.now(),
    runtime: { node_version: process.version },
    data_dir,
    ...diskFacts(dir),
    log,
    ...inside,
  };
}

function lookAtLog(loaded: LoadedConfig, dir: DataDir, options: Options): Promise<LogFacts | Unopened> {
  if (loaded.config.log.kafka !== undefined) return lookAtCluster(loaded);
  return fs.existsSync(dir.log) ? lookAtFile(dir, options) : Promise.resolve(ABSENT);
}

type Place = {
  readonly dir: DataDir;
  readonly log: LogFacts | Unopened;
  readonly running: boolean;
  readonly told: readonly Told[];
};

function lookAtStore(loaded: LoadedConfig, { dir, log, running, told }: Place): Promise<Inside> {
  if (loaded.config.store.url !== undefined && log.opened === 'yes') return lookAtServer(loaded, dir, log);
  return running ? Promise.resolve(beside(log, told)) : lookInside(loaded, dir, log);
}

/** A server is there for everybody, whatever runs. */
async function lookAtServer(loaded: LoadedConfig, dir: DataDir, log: LogFacts): Promise<Inside> {
  const partitions = log.streams.filter(({ topic }) => topic === TOPICS.events).length;
  try {
    const { store, db } = await openStoreOf(loaded, dir, silentTelemetry(), 0);
    try {
      return { store: await storeFacts({ store, db }), detect: await manifestsOf(store, partitions) };
    } finally {
      await store.close();
    }
  } catch (error) {
    return { store: refused(error) };
  }
}

const ABSENT: Unopened = { opened: 'absent' };
const HELD: Unopened = { opened: 'held' };

function dataDirFacts(dir: DataDir): Facts['data_dir'] {
  if (!fs.existsSync(dir.root)) return { path: dir.root, exists: false, writable: false };
  const holder = isWritable(dir.root) ? dataDirHolder(dir) : undefined;
  return {
    path: dir.root,
    exists: true,
    mode: fs.statSync(dir.root).mode,
    writable: isWritable(dir.root),
    ...(holder !== undefined && { holder }),
  };
}

function isWritable(directory: string): boolean {
  try {
    fs.accessSync(directory, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Of the disk that the data directory is on, or will be. */
function diskFacts({ root }: DataDir): Pick<Facts, 'disk'> {
  try {
    let there = root;
    while (!fs.existsSync(there)) there = path.dirname(there);
    return { disk: { free_bytes: freeBytes(there), data_bytes: fs.existsSync(root) ? bytesBelow(root) : 0 } };
  } catch {
    return {};
  }
}

/** Files of ClickHouse come and go while it merges. */
function bytesBelow(directory: string): number {
  let bytes = 0;
  for (const name of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const stat = fs.lstatSync(path.join(directory, name), { throwIfNoEntry: false });
    if (stat?.isFile() === true) bytes += stat.size;
  }
  return bytes;
}

type Told = Omit<DetectFacts, 'generation'>;

/** The store is the running service's alone. */
function beside(log: LogFacts | Unopened, told: readonly Told[]): Inside {
  if (log.opened !== 'yes' || told.length === 0) return { store: HELD };
  return { store: HELD, detect: told.map((one) => ({ ...one, generation: log.generation })) };
}

async function lookInside(loaded: LoadedConfig, dir: DataDir, log: LogFacts | Unopened): Promise<Inside> {
  if (log.opened !== 'yes') return { store: fs.existsSync(dir.store) ? NOT_WITHOUT_LOG : ABSENT };
  let foundation: Foundation;
  try {
    foundation = await openFoundation(loaded, silentTelemetry());
  } catch (error) {
    // Another process may have taken the directory meanwhile.
    if (error instanceof Problem && error.code === 'data_dir_in_use') return { store: HELD };
    return { store: refused(error) };
  }
  try {
    const { partitions } = await foundation.log.describe(TOPICS.events);
    return { store: await storeFacts(foundation), detect: await manifestsOf(foundation.store, partitions) };
  } catch (error) {
    return { store: refused(error) };
  } finally {
    await foundation.close();
  }
}

const NOT_WITHOUT_LOG: Unopened = {
  opened: 'refused',
  code: 'log_first',
  message: 'correct what is wrong with the log first, then run doctor again',
};

const IDENTITIES_LOOKED_AT = 500;

async function storeFacts({ store, db }: Pick<Foundation, 'store' | 'db'>): Promise<StoreFacts> {
  const { items } = await store.listIdentities('default', { limit: IDENTITIES_LOOKED_AT });
  const newest = items.reduce((latest, { last_seen }) => Math.max(latest, last_seen), 0);
  return {
    opened: 'yes',
    kind: db.kind,
    // Opening it has brought its tables up to date.
    migrations_pending: 0,
    tables: await store.sizes(),
    ...(newest > 0 && { newest_event_ms: newest }),
  };
}

async function manifestsOf(store: Foundation['store'], partitions: number): Promise<readonly DetectFacts[]> {
  const facts: DetectFacts[] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const manifest = await store.readManifest(TOPICS.events, partition);
    if (manifest === undefined) continue;
    const { generation, next_offset, offset_base, counters } = manifest;
    facts.push({ partition, generation, next_offset: next_offset - offset_base, counters });
  }
  return facts;
}

/** What the running service says of detect; nothing where no key is at hand that may ask. */
async function askService(options: Options): Promise<readonly Told[]> {
  const key = keyAtHand(options);
  if (key === undefined) return [];
  try {
    const { partitions } = await createClient({ url: urlOf(options), key }).get('/v1/status', StatusAnswer);
    return partitions.map(({ partition, next_offset, counters }) => ({ partition, next_offset, counters }));
  } catch (error) {
    // A key of another service, or one that may not ask, is as good as none: the check says that it was left out.
    if (error instanceof Problem) return [];
    throw error;
  }
}
