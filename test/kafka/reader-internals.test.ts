import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { Kafka } from 'kafkajs';
import { brokerFactory, errorOfCode } from '../../services/platform/kafka/internals.ts';

const load = createRequire(import.meta.url);

/** What services/platform/kafka/internals.ts reaches into: an update of kafkajs that changes it fails here first. */
describe('the inside of kafkajs', () => {
  test('it is the version that was read', () => {
    const { version } = load('kafkajs/package.json') as { readonly version: string };
    assert.equal(version, '2.2.4');
  });

  test('brokers can be made by address, and know the requests of groups', async () => {
    const make = brokerFactory(new Kafka({ brokers: ['127.0.0.1:1'] }));
    const broker = await make({ host: '127.0.0.1', port: 2 });
    assert.equal(broker.isConnected(), false);
    assert.deepEqual([broker.connectionPool.host, broker.connectionPool.port], ['127.0.0.1', 2]);
    const methods = [
      broker.connect,
      broker.disconnect,
      broker.listOffsets,
      broker.findGroupCoordinator,
      broker.syncGroup,
      broker.heartbeat,
      broker.leaveGroup,
      broker.offsetCommit,
      broker.connectionPool.getConnection,
    ];
    for (const method of methods) assert.equal(typeof method, 'function');
  });

  test('its connections queue requests that were written by others', () => {
    const connection = load('kafkajs/src/network/connection') as { readonly prototype: Record<string, unknown> };
    const queue = load('kafkajs/src/network/requestQueue') as { readonly prototype: Record<string, unknown> };
    for (const method of ['isAuthenticated', 'authenticate', 'failIfNotConnected', 'nextCorrelationId']) {
      assert.equal(typeof connection.prototype[method], 'function', method);
    }
    assert.equal(typeof queue.prototype.push, 'function');
  });

  test('its errors have the names of the protocol', () => {
    assert.equal(errorOfCode(1).type, 'OFFSET_OUT_OF_RANGE');
    assert.equal(errorOfCode(22).type, 'ILLEGAL_GENERATION');
    assert.equal(errorOfCode(12_345).type, 'KAFKAJS_UNKNOWN_ERROR_CODE');
  });

  test('its queue of requests sets no timer when nothing waits', () => {
    const { prototype } = load('kafkajs/src/network/requestQueue') as {
      readonly prototype: { scheduleCheckPendingRequests(): void };
    };
    const queue = { pending: [], throttledUntil: -1, throttleCheckTimeoutId: null };
    prototype.scheduleCheckPendingRequests.call(queue);
    assert.equal(queue.throttleCheckTimeoutId, null);
  });
});
