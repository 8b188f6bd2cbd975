import type { OutcomeStatus } from '../../../schemas/event.ts';
import { type Attributes, STATUS } from '../otlp/model.ts';
import { FIELDS, nameOf } from './fields.ts';

export type Outcome = { readonly status: OutcomeStatus; readonly code?: string };

/** Words in the class of an error that say that somebody refused: `PermissionDeniedError`, `PERMISSION_DENIED`, `403`. */
const DENIED: ReadonlySet<string> = new Set(
  'permission denied forbidden unauthorized unauthorised unauthenticated authorization authorisation authentication 401 403'.split(
    ' ',
  ),
);
/** gRPC codes (google.rpc.Code): PERMISSION_DENIED and UNAUTHENTICATED. */
const DENIED_RPC: ReadonlySet<string> = new Set(['7', '16']);
const CODE_CHARS_MAX = 256;

/**
 * How a span ended: `error.type` and response codes by their words, which are classes by the conventions, never by the
 * text of a message. A span that ended and says nothing of an error went well (trace API, status `Unset`).
 */
export function outcomeOf(attributes: Attributes, status_code: number, ended: boolean): Outcome {
  const error = nameOf(attributes, FIELDS.error);
  const response = nameOf(attributes, FIELDS.response_code);
  const code = error ?? (response === undefined || isSuccess(response) ? undefined : response);
  if (code !== undefined && (isDenied(code) || (response !== undefined && isDeniedResponse(attributes, response)))) {
    return { status: 'denied', code };
  }
  if (code !== undefined) return { status: 'error', code };
  if (status_code === STATUS.error || isFailure(nameOf(attributes, FIELDS.tool_status))) return { status: 'error' };
  return { status: ended ? 'ok' : 'unknown' };
}

function isSuccess(response: string): boolean {
  return /^(?:0|OK|[123]\d\d)$/i.test(response);
}

function isDeniedResponse(attributes: Attributes, response: string): boolean {
  return isDenied(response) || (DENIED_RPC.has(response) && attributes.has('rpc.grpc.status_code'));
}

function isDenied(code: string): boolean {
  return code
    .slice(0, CODE_CHARS_MAX)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .some((word) => DENIED.has(word));
}

const FAILURES: ReadonlySet<string> = new Set(['error', 'failed', 'failure', 'exception']);

function isFailure(status: string | undefined): boolean {
  return status !== undefined && FAILURES.has(status.toLowerCase());
}
