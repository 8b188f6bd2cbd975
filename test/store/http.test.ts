import { openStore } from '../../services/platform/clickhouse/client.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { startFront } from '../support/clickhouse-http-front.ts';
import { storeSuite } from '../support/store-suite.ts';

const WIRES = [
  { name: 'plain requests', options: {} },
  // chDB replicates nothing: this shows that the statements of a replicated cluster are accepted, not that they work.
  { name: 'gzip requests and quorum settings', options: { compress_requests: true, replicated: true } },
] as const;

for (const wire of WIRES) {
  storeSuite(`store over HTTP, ${wire.name}, before chDB`, async () => {
    const front = await startFront();
    const options = { kind: 'server', url: front.url, ...wire.options } as const;
    const opened = await openStore(options, { telemetry: silentTelemetry() });
    return {
      ...opened,
      async close() {
        await opened.store.close();
        await front.close();
      },
    };
  });
}
