import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../services/platform/clickhouse/client.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { storeSuite } from '../support/store-suite.ts';

storeSuite('store on chDB in process', async () => {
  // A space and an apostrophe, as some people's home directories have.
  const path = await mkdtemp(join(tmpdir(), "countersign store's-"));
  const opened = await openStore({ kind: 'embedded', path }, { telemetry: silentTelemetry() });
  return {
    ...opened,
    async close() {
      await opened.store.close();
      await rm(path, { recursive: true, force: true });
    },
  };
});
