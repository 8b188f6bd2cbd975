import { hash } from 'node:crypto';
import type { CallLink } from '../../../schemas/span.ts';
import type { JsonObject } from '../decode.ts';
import { readName } from './fields.ts';
import { principalOf } from './principal.ts';
import type { Reading } from './reading.ts';

export type RpcId = string | number;

/** The id of a request or of its response; a request without one is a notification (JSON-RPC 2.0, section 4.1). */
export function rpcIdOf(message: JsonObject | undefined): RpcId | undefined {
  const id = message?.id;
  return typeof id === 'number' || (typeof id === 'string' && id !== '') ? id : undefined;
}

/**
 * What both halves of a call have in common: ids are unique within a session or connection; where the gateway logs
 * neither, within what one client does on one server. Undefined when it logs nothing of that.
 */
export function callOf(
  document: JsonObject,
  id: RpcId,
  side: CallLink['side'],
  reading: Reading,
): CallLink | undefined {
  const within = readName(document, 'session') ?? readName(document, 'connection');
  const place = within === undefined ? placeOf(document, reading) : ['session', within];
  return place === undefined ? undefined : { kind: 'call', call: digest([...place, typeof id, id]), side };
}

function placeOf(document: JsonObject, reading: Reading): unknown[] | undefined {
  const principal = principalOf(document, reading);
  return principal === undefined ? undefined : ['client', principal.identity.id, readName(document, 'server') ?? null];
}

/** 128 bits, as 32 hex digits. */
export const digest = (parts: readonly unknown[]): string => hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);
