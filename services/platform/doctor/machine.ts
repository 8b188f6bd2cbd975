import { UNITS } from '../../../schemas/limits.ts';
import { type Check, type DataDirFacts, type Facts, fail, ok, warn } from './facts.ts';
import { bytesText } from './words.ts';

/** The oldest that runs TypeScript and has the SQLite that the log needs; older ones have ended their support. */
const NODE_MAJOR_MIN = 24;
/** Below it nothing can be written safely; ClickHouse needs room to merge parts. */
const FREE_BYTES_MIN = 256 * UNITS.MIB;
const FREE_BYTES_WARN = 1024 * UNITS.MIB;
const FREE_SHARE_WARN = 0.2;

export function checkRuntime({ runtime: { node_version } }: Facts): Check {
  const major = Number(/^v?(\d+)\./.exec(node_version)?.[1]);
  if (major >= NODE_MAJOR_MIN) return ok('runtime', `Node.js ${node_version}`);
  return fail(
    'runtime',
    `Node.js ${node_version} is older than ${NODE_MAJOR_MIN}`,
    'start with npm (npm start, npm run countersign -- ...), which brings its own, or install a newer one',
  );
}

export function checkDisk({ disk, data_dir }: Facts): Check {
  if (disk === undefined) return warn('disk', 'free space is unknown', `look at the disk of ${data_dir.path} yourself`);
  const { free_bytes, data_bytes } = disk;
  const detail = `${bytesText(free_bytes)} free, ${bytesText(data_bytes)} of data`;
  const remedy = 'free space, or shorten log.retention_days and store.retention_days';
  if (free_bytes < FREE_BYTES_MIN) return fail('disk', detail, remedy);
  const wanted = Math.max(FREE_BYTES_WARN, data_bytes * FREE_SHARE_WARN);
  return free_bytes < wanted ? warn('disk', detail, remedy) : ok('disk', detail);
}

export function checkDataDir({ data_dir }: Facts): Check {
  const { path, exists, mode, writable } = data_dir;
  if (!exists) return warn('data_dir', `${path} does not exist`, 'start the service once, or name another (--data)');
  if (!writable)
    return fail('data_dir', `${path} cannot be written by this user`, 'run as its owner, or correct its rights');
  if (mode !== undefined && (mode & 0o077) !== 0) {
    return fail('data_dir', `${path} is open to other users (${(mode & 0o777).toString(8)})`, `chmod 700 ${path}`);
  }
  return ok('data_dir', path);
}

export function checkLock({ data_dir }: Facts): Check {
  return ok('lock', lockText(data_dir));
}

function lockText({ holder }: DataDirFacts): string {
  if (holder === undefined) return 'free: no service runs here';
  return holder.pid === undefined ? 'held by a running service' : `held by process ${holder.pid}`;
}
