import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { storeSuite } from '../support/store-suite.ts';

const IMAGE = 'clickhouse/clickhouse-server:25.8';
const NAME = 'ClickHouse server by testcontainers';

function dockerAnswers(): boolean {
  try {
    execFileSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

if (dockerAnswers()) {
  storeSuite(NAME, async () => {
    const { GenericContainer, Wait } = await import('testcontainers');
    const container = await new GenericContainer(IMAGE)
      .withEnvironment({ CLICKHOUSE_USER: 'countersign', CLICKHOUSE_PASSWORD: 'countersign' })
      .withExposedPorts(8123)
      .withWaitStrategy(Wait.forHttp('/ping', 8123))
      .start();
    const url = `http://${container.getHost()}:${container.getMappedPort(8123)}`;
    const options = { kind: 'server', url, username: 'countersign', password: 'countersign' } as const;
    const opened = await openStore(options, { telemetry: silentTelemetry() });
    return {
      ...opened,
      async close() {
        await opened.store.close();
        await container.stop();
      },
    };
  });
} else {
  test(NAME, { skip: `${NAME}: NOT RUN, no Docker engine answers` }, () => {});
}
