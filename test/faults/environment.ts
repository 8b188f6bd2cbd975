import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirAt } from '../../services/platform/data-dir.ts';
import type { EventLog } from '../../services/platform/event-log.ts';
import type { Front } from '../support/clickhouse-http-front.ts';
import type { KafkaBroker } from '../support/kafka/broker.ts';
import { type LogPlace, openLogAt, type StorePlace } from './places.ts';
import { type ServiceHandle, startServiceChild } from './process.ts';
import type { Trap } from './traps.ts';

/** What a scenario runs on: a log, a store, and processes of the service that share them. */
export type Environment = {
  readonly kind: 'embedded' | 'kafka';
  /** Everything of the scenario lies here: evidence when it fails. */
  readonly folder: string;
  /** Most processes at once. */
  readonly processes_max: number;
  readonly log: LogPlace;
  readonly store: StorePlace;
  start(process: number, trap?: Trap): ServiceHandle;
  /** The harness's own way to the log, once a first process has made it. */
  openLog(): Promise<EventLog>;
  /** What only a clustered service has. */
  readonly cluster: Cluster | undefined;
  /** Ends what the scenario started beside the service. */
  close(): Promise<void>;
};

export type Cluster = {
  readonly broker: KafkaBroker;
  /** ClickHouse, or what stands for it, at the other end of a wire. */
  readonly front: Front;
  readonly session_timeout_ms: number;
};

export type EnvironmentOptions = { readonly folder: string; readonly seed: number };
export type OpenEnvironment = (options: EnvironmentOptions) => Promise<Environment>;

/** SQLite and chDB in one data directory: one process at a time. */
export async function embeddedEnvironment({ folder, seed }: EnvironmentOptions): Promise<Environment> {
  const data = join(folder, 'data');
  writeConfig(data, { listen: { port: 0 }, log: { partitions: 3 } });
  const dir = dataDirAt(data);
  const log: LogPlace = { kind: 'sqlite', path: dir.log };
  let starts = 0;
  return {
    kind: 'embedded',
    folder,
    processes_max: 1,
    log,
    store: { kind: 'embedded', path: dir.store },
    start(process, trap) {
      starts += 1;
      const given = { data, seed: seed + starts, ...(trap === undefined ? {} : { trap }) };
      return startServiceChild(given, join(folder, `process-${process}.log`));
    },
    openLog: () => openLogAt(log),
    cluster: undefined,
    close: async () => {},
  };
}

/** JSON is YAML. */
export function writeConfig(data: string, config: unknown): void {
  mkdirSync(data, { recursive: true, mode: 0o700 });
  writeFileSync(join(data, 'countersign.yaml'), JSON.stringify(config), { mode: 0o600 });
}
