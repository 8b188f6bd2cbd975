import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The newest release; tests of the older line name theirs. */
export const KAFKA_VERSION = '4.3.0';
export const KAFKA_VERSION_BEFORE = '3.9.1';
/** What tests run on that name no version. */
export const KAFKA_VERSION_TESTED = process.env.COUNTERSIGN_TEST_KAFKA_VERSION ?? KAFKA_VERSION;

/** Undefined where a broker can be run from jars; otherwise what is missing, for the one who reads the test report. */
export function whyNoJars(): string | undefined {
  for (const [program, argument] of [
    ['java', '-version'],
    ['mvn', '--version'],
  ] as const) {
    if (spawnSync(program, [argument], { stdio: 'ignore' }).status !== 0) return `${program} is not installed`;
  }
  return undefined;
}

/**
 * The folder with the broker's jars, downloaded by Maven at the first call on this machine and kept in the temporary
 * folder. Rejects with Maven's own words when the download fails.
 */
export async function kafkaJars(version: string): Promise<string> {
  const folder = join(tmpdir(), `countersign-kafka-jars-${version}`);
  if (existsSync(folder)) return folder;
  const making = mkdtempSync(`${folder}-`);
  try {
    const pom = join(import.meta.dirname, 'pom.xml');
    const goals = ['dependency:copy-dependencies', `-Dkafka.version=${version}`, `-DoutputDirectory=${making}`];
    await promisify(execFile)('mvn', ['-q', '-B', '-f', pom, ...goals]);
    // Of several that download at once the first one's folder stays.
    if (!existsSync(folder)) renameSync(making, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}
