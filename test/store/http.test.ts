import { openStore } from '../../services/platform/clickhouse/client.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { startFront } from '../support/clickhouse-http-front.ts';
import { storeSuite } from '../support/store-suite.ts';

for (const compress_requests of [false, true]) {
  storeSuite(`store over HTTP, ${compress_requests ? 'gzip' : 'plain'} requests, before chDB`, async () => {
    const front = await startFront();
    const options = { kind: 'server', url: front.url, compress_requests } as const;
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
