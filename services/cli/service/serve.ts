import { readFileSync } from 'node:fs';
import { type Listening, listen, listenForHealth } from '../../api/server.ts';
import type { LoadedConfig } from '../../platform/config.ts';
import type { Telemetry } from '../../platform/telemetry.ts';
import { EXIT, Problem } from '../problem.ts';
import { openService, type Service } from './service.ts';

/** One process of the service, listening: with its API, or for health and metrics alone. */
export type Serving = {
  readonly service: Service;
  readonly api: Listening;
  /** Takes no new requests, makes everything applied durable, and closes. */
  stop(): Promise<void>;
};

/** Throws a Problem when the service cannot open or the address cannot be taken. `open` as for `openService`. */
export async function serve(
  loaded: LoadedConfig,
  telemetry: Telemetry,
  open?: Parameters<typeof openService>[2],
): Promise<Serving> {
  const service = await openService(loaded, telemetry, open);
  const { host, port, tls, allow_plaintext_beyond_loopback } = loaded.config.listen;
  const options = { host, port, allow_plaintext_beyond_loopback, ...(tls === undefined ? {} : { tls: readTls(tls) }) };
  const { ports, health } = service;
  const listening = ports === undefined ? listenForHealth(health, options) : listen(ports, options);
  const api = await listening.catch(async (error: unknown) => {
    await service.stop();
    throw error;
  });
  if (api.kind === 'refused') {
    await service.stop();
    throw new Problem(api.code, api.message, EXIT.unreachable);
  }
  return {
    service,
    api,
    async stop() {
      await api.close();
      await service.stop();
    },
  };
}

function readTls(files: { readonly cert_file: string; readonly key_file: string }): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readFileSync(files.cert_file), key: readFileSync(files.key_file) };
  } catch (error) {
    throw new Problem('config_invalid', `listen.tls: ${(error as Error).message}`, EXIT.usage);
  }
}
