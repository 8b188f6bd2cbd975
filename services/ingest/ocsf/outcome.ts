import type { OutcomeStatus } from '../../../schemas/event.ts';
import { isDenial } from '../cloudtrail/outcome.ts';
import type { JsonObject } from '../decode.ts';
import { codeOf, objectOf, textOf } from '../typed-rows.ts';

export type Outcome = { readonly status: OutcomeStatus; readonly code?: string; readonly reason?: string };

/** `status_id`: 1 is Success, 2 Failure. `action_id` (profile security_control): 2 is Denied; `disposition_id`: 2 is Blocked. */
export function outcomeOf(event: JsonObject): Outcome {
  const response = objectOf(objectOf(event.api).response);
  const http_code = textOf(objectOf(event.http_response).code);
  const error = textOf(response.error);
  const code = error ?? textOf(event.status_code) ?? textOf(response.code) ?? http_code;
  const denied =
    codeOf(event.action_id) === 2 ||
    codeOf(event.disposition_id) === 2 ||
    [error, textOf(event.status_code), textOf(response.code), http_code].some(isRefused);
  const said = statedOf(event);
  const failed = said === 'failure' || error !== undefined || (said === undefined && isErrorCode(code));
  const status = denied ? 'denied' : failed ? 'error' : said === 'success' || isSuccessCode(code) ? 'ok' : 'unknown';
  const reason =
    status === 'ok'
      ? undefined
      : (textOf(response.error_message) ?? textOf(event.status_detail) ?? textOf(response.message));
  return { status, ...(code === undefined ? {} : { code }), ...(reason === undefined ? {} : { reason }) };
}

function statedOf(event: JsonObject): 'success' | 'failure' | undefined {
  const id = codeOf(event.status_id);
  if (id === 1) return 'success';
  if (id === 2) return 'failure';
  if (id !== undefined) return undefined;
  const status = textOf(event.status)?.slice(0, 16).toLowerCase();
  return status === 'success' || status === 'failure' ? status : undefined;
}

/** RFC 9110: 401 Unauthorized and 403 Forbidden; or the code of AWS for it. */
const isRefused = (code: string | undefined): boolean =>
  code !== undefined && (code === '401' || code === '403' || isDenial(code));

const isErrorCode = (code: string | undefined): boolean => code !== undefined && /^[45]\d\d$/.test(code);
const isSuccessCode = (code: string | undefined): boolean => code !== undefined && /^[23]\d\d$/.test(code);
