import { MONDAY_MS } from './support.ts';

/** An event of class 6003 as a gateway of no particular maker may write it, OCSF 1.5. */
export function activity(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    activity_id: 2,
    category_uid: 6,
    class_uid: 6003,
    type_uid: 600302,
    severity_id: 1,
    status_id: 1,
    time: MONDAY_MS,
    metadata: { uid: 'ev-1', version: '1.5.0', product: { name: 'Gateway', vendor_name: 'Acme' } },
    actor: {
      user: { uid: 'u-17', name: 'indexer', type: 'Service', type_id: 4, credential_uid: 'key-1' },
      session: { uid: 'session-1' },
    },
    api: { operation: 'tickets.get', service: { name: 'tickets' } },
    cloud: { account: { uid: 'acme' } },
    src_endpoint: { ip: '203.0.113.9', instance_uid: 'pod-1' },
    ...more,
  };
}
