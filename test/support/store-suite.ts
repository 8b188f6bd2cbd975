import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { OpenStore } from '../../services/platform/clickhouse/client.ts';
import { alertSuite } from './store-suite-alerts.ts';
import { detectSuite } from './store-suite-detect.ts';
import { explainSuite } from './store-suite-explain.ts';
import { originSuite } from './store-suite-origins.ts';
import { previewSuite } from './store-suite-preview.ts';
import { readSuite } from './store-suite-read.ts';

/** Gives every test names of its own, since all of them share one store. */
let names = 0;
export function fresh(prefix: string): string {
  names += 1;
  return `${prefix}-${names}`;
}

/**
 * What every store must do, however it is reached. `open` is called once; the tests run one after the other on it.
 */
export function storeSuite(
  name: string,
  open: () => Promise<OpenStore & { readonly close: () => Promise<void> }>,
): void {
  describe(name, { concurrency: 1 }, () => {
    let opened: Awaited<ReturnType<typeof open>> | undefined;
    const use = (): OpenStore => {
      assert.ok(opened !== undefined, 'the store did not open');
      return opened;
    };
    before(async () => {
      opened = await open();
    });
    after(async () => opened?.close());
    test('answers a ping', () => use().store.ping());
    detectSuite(use);
    readSuite(use);
    previewSuite(use);
    alertSuite(use);
    explainSuite(use);
    originSuite(use);
  });
}
