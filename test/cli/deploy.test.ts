import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { PROCESS_ROLES } from '../../schemas/config.ts';
import { createProgram } from '../../services/cli/program.ts';
import { configProblemText, loadConfig } from '../../services/platform/config.ts';
import { KAFKA_VERSION } from '../support/kafka/jars.ts';

/** What can be said of the compose files without Docker: they parse, and what they start would start. */
const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));

type Service = {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly read_only?: boolean;
  readonly depends_on?: Readonly<Record<string, unknown>>;
};

const composeOf = (name: string): Readonly<Record<string, Service>> =>
  (parse(readFileSync(path.join(DEPLOY, name), 'utf8'), { merge: true }) as { services: Record<string, Service> })
    .services;
const ours = (services: Readonly<Record<string, Service>>) =>
  Object.entries(services).filter(([, { build }]) => build !== undefined);

/** The configuration with which a container would start: its variables, the file it mounts, its command line. */
function configOf({ environment = {}, volumes = [], command = [] }: Service) {
  const variables = Object.entries(environment).map(([name, value]) => {
    return [name, String(value).replace(/^\$\{[A-Z_]+:\?[^}]*\}$/, 'secret')] as const;
  });
  const { COUNTERSIGN_CONFIG: inside, ...rest } = Object.fromEntries(variables);
  const mount = volumes.map((one) => one.split(':')).find(([, target]) => target === inside);
  const up = createProgram().commands.find((one) => one.name() === 'up');
  up?.parseOptions([...command.slice(1)]);
  const roles = up?.opts<{ role?: string[] }>().role;
  return loadConfig({
    cwd: '/opt/countersign',
    environment: { COUNTERSIGN_DATA_DIR: '/var/lib/countersign', ...rest },
    ...(mount?.[0] === undefined ? {} : { file: path.resolve(DEPLOY, mount[0]) }),
    ...(roles === undefined ? {} : { overrides: { roles } }),
  });
}

for (const name of ['compose.yaml', 'compose.cluster.yaml']) {
  describe(`deploy/${name}`, () => {
    const services = composeOf(name);

    test('every process of ours starts with what it is given, and together they have all roles', () => {
      const roles = ours(services).flatMap(([service, one]) => {
        const loaded = configOf(one);
        assert.ok(loaded.ok, loaded.ok ? '' : `${service}: ${loaded.problems.map(configProblemText).join('\n')}`);
        assert.deepEqual(loaded.warnings, [], service);
        return loaded.config.roles;
      });
      assert.deepEqual(roles.toSorted(), [...PROCESS_ROLES].toSorted());
    });

    test('what it builds and mounts is there, and nothing is published beyond this machine', () => {
      for (const [service, { build, read_only, ports = [], volumes = [] }] of Object.entries(services)) {
        for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, service);
        for (const volume of volumes.filter((one) => one.startsWith('.'))) {
          readFileSync(path.resolve(DEPLOY, String(volume.split(':')[0])));
        }
        if (build === undefined) continue;
        readFileSync(path.resolve(DEPLOY, build.context, build.dockerfile));
        assert.equal(read_only, true, service);
      }
    });
  });
}

test('the cluster runs the Kafka that the tests run, and waits for what it needs', () => {
  const services = composeOf('compose.cluster.yaml');
  assert.equal(services.kafka?.image, `apache/kafka:${KAFKA_VERSION}`);
  for (const [service, { depends_on = {} }] of ours(services)) {
    for (const needed of Object.keys(depends_on)) assert.ok(services[needed] !== undefined, `${service}: ${needed}`);
    assert.deepEqual(Object.keys(depends_on).toSorted(), ['clickhouse', 'kafka']);
  }
});
