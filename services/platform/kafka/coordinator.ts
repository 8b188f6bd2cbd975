import type { KafkaConnection } from './connection.ts';
import { failureOf, isTransient } from './connection-errors.ts';
import type { KafkaNodes } from './connection-nodes.ts';
import { errorOfCode, type RawRequest, sendRaw } from './internals.ts';
import { CODES, findCoordinator } from './txn-requests.ts';

/** What the coordinator of a transactional id answered, or why it did not. */
export type Answer<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Somebody else has asked for the transactional id, or the coordinator gave the transaction up. */
  | { readonly kind: 'fenced'; readonly carried_out: 'no' | 'unknown' }
  /** `passing`: another attempt, with everything new, may succeed. */
  | {
      readonly kind: 'failed';
      readonly error: unknown;
      /** The answer's error code, if there was one. */
      readonly code: number | undefined;
      readonly passing: boolean;
      readonly carried_out: 'no' | 'unknown';
    };

export type Coordinator = {
  /** Asks until there is a decisive answer or the time has come. For requests that may be carried out twice. */
  ask<T extends { readonly error: number }>(request: RawRequest<T>, until_ms: number): Promise<Answer<T>>;
};

const PAUSE_MS = 1;
const PAUSE_MS_MAX = 100;

/** The coordinator has to be looked for again, or is getting ready. */
const MOVED: ReadonlySet<number> = new Set([
  CODES.coordinator_load_in_progress,
  CODES.coordinator_not_available,
  CODES.not_coordinator,
]);

const FENCED: ReadonlySet<number> = new Set([CODES.invalid_producer_epoch, CODES.producer_fenced]);

/** These stay as they are until somebody changes something. */
const REFUSED: ReadonlySet<number> = new Set([
  CODES.message_too_large,
  CODES.invalid_topic,
  CODES.record_list_too_large,
  CODES.topic_authorization_failed,
  CODES.cluster_authorization_failed,
  CODES.invalid_transaction_timeout,
  CODES.transactional_id_authorization_failed,
  CODES.invalid_record,
]);

/** What an error code means to a producer. */
export function producerFailure(code: number): 'fenced' | 'refused' | 'passing' {
  if (FENCED.has(code)) return 'fenced';
  return REFUSED.has(code) ? 'refused' : 'passing';
}

export function createCoordinator(
  connection: KafkaConnection,
  nodes: KafkaNodes,
  transactional_id: string,
): Coordinator {
  const { clock, closed } = connection;
  let node: number | undefined;

  const find = async (): Promise<number> => {
    const found = await nodes.use('any', (broker) => sendRaw(broker, findCoordinator(transactional_id)));
    if (found.error !== CODES.none) throw errorOfCode(found.error);
    connection.addresses.set(found.node, { host: found.host, port: found.port });
    return found.node;
  };

  /** One attempt: an answer with its error code, or what kept it from coming, and whether the request was on its way. */
  const attempt = async <T>(request: RawRequest<T>): Promise<{ value: T } | { error: unknown; sent: boolean }> => {
    let sent = false;
    try {
      node ??= await find();
      return {
        value: await nodes.use(node, (broker) => {
          sent = true;
          return sendRaw(broker, request);
        }),
      };
    } catch (error) {
      node = undefined;
      return { error, sent };
    }
  };

  return {
    ask: async (request, until_ms) => {
      let carried_out: 'no' | 'unknown' = 'no';
      for (let pause = PAUSE_MS; ; pause = Math.min(2 * pause, PAUSE_MS_MAX)) {
        const answer = await attempt(request);
        let error: unknown;
        let again: boolean;
        if ('value' in answer) {
          const code = answer.value.error;
          if (code === CODES.none) return { kind: 'done', value: answer.value };
          if (FENCED.has(code)) return { kind: 'fenced', carried_out };
          error = errorOfCode(code);
          again = MOVED.has(code) || code === CODES.concurrent_transactions;
          if (MOVED.has(code)) node = undefined;
          if (!again) return { kind: 'failed', error, code, passing: !REFUSED.has(code), carried_out };
        } else {
          error = answer.error;
          if (answer.sent) carried_out = 'unknown';
          again = isTransient(failureOf(error));
          if (!again) return { kind: 'failed', error, code: undefined, passing: false, carried_out };
        }
        if (closed.aborted || clock.elapsed() + pause > until_ms) {
          return { kind: 'failed', error, code: undefined, passing: true, carried_out };
        }
        await clock.sleep(pause, closed);
      }
    },
  };
}
