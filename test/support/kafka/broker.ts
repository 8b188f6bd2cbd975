import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { systemClock } from '../../../services/platform/clock.ts';
import { KAFKA_VERSION_TESTED, kafkaJars } from './jars.ts';

/** A real Apache Kafka broker (KRaft, one node) of this test, its data in a temporary folder. */
export type KafkaBroker = {
  /** host:port of its first listener. */
  readonly brokers: readonly string[];
  readonly version: string;
  /** Folder with the jars: the class path of Kafka's own tools and clients. */
  readonly jars: string;
  /** Ends it in an orderly way; its data stays for `start`. */
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Starts it again, on the same data and the same port. */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Ends it and removes its data. */
  dispose(): Promise<void>;
};

export type BrokerOptions = {
  readonly version?: string;
  /** Beyond or instead of the default server properties. `{port}` stands for the port of the first listener. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Further arguments of the storage tool, such as `--add-scram`. */
  readonly format?: readonly string[];
  readonly jvm?: readonly string[];
};

const CLUSTER_ID = 'MkU3OEVBNTcwNTJENDM2Qg';
const JVM = ['-Xms96m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const START_MS = 60_000;

export async function startKafka(options: BrokerOptions = {}): Promise<KafkaBroker> {
  const version = options.version ?? KAFKA_VERSION_TESTED;
  const jars = await kafkaJars(version);
  const folder = mkdtempSync(join(tmpdir(), 'countersign-kafka-'));
  const [port, controller] = await freePorts();
  const config = join(folder, 'server.properties');
  writeFileSync(config, serverProperties({ folder, port, controller, ...options }));
  const java = ['-cp', `${jars}/*`];
  const format = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config, ...(options.format ?? [])];
  await promisify(execFile)('java', [...java, ...format]);

  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    const output = openSync(join(folder, 'broker.log'), 'a');
    const begun = readLog(folder).length;
    child = spawn('java', [...JVM, ...(options.jvm ?? []), ...java, 'kafka.Kafka', config], {
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    await untilStarted(child, folder, begun);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = once(ending, 'exit');
    ending.kill(signal);
    await gone;
  };
  // Whatever way the test process ends, the broker does not outlive it.
  const last = (): void => void child?.kill('SIGKILL');
  process.once('exit', last);
  await start();
  return {
    brokers: [`127.0.0.1:${port}`],
    version,
    jars,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    dispose: async () => {
      await end('SIGKILL');
      process.removeListener('exit', last);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Place = { readonly folder: string; readonly port: number; readonly controller: number };

function serverProperties({ folder, port, controller, properties = {} }: Place & BrokerOptions): string {
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: 'PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    // Transactions of writers that died are given up soon after their timeout, not up to ten seconds later.
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    ...properties,
  };
  return Object.entries(all)
    .map(
      ([name, value]) =>
        `${name}=${value.replaceAll('{port}', `${port}`).replaceAll('{controller}', `${controller}`)}\n`,
    )
    .join('');
}

async function untilStarted(child: ChildProcess, folder: string, begun: number): Promise<void> {
  const deadline = systemClock.elapsed() + START_MS;
  while (!readLog(folder).slice(begun).includes('Kafka Server started')) {
    if (child.exitCode !== null || systemClock.elapsed() > deadline) {
      throw new Error(`the broker did not start: ${readLog(folder).slice(begun).slice(-4000)}`);
    }
    await sleep(50);
  }
}

const readLog = (folder: string): string => readFileSync(join(folder, 'broker.log'), 'utf8');

/** Two ports that nobody listens on at the moment. */
async function freePorts(): Promise<[number, number]> {
  const servers = await Promise.all(
    [0, 1].map(async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => promisify(server.close.bind(server))()));
  return [ports[0] as number, ports[1] as number];
}
