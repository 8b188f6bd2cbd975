import type { OutcomeStatus } from '../../../schemas/event.ts';
import { isObject, type JsonObject } from '../decode.ts';
import { textOf } from '../typed-rows.ts';

export type Outcome = { readonly status: OutcomeStatus; readonly code?: string; readonly reason?: string };

/**
 * Error codes by which AWS refuses a call to its caller, without the side and the ending that services put around them
 * (`Client.UnauthorizedOperation`, `AccessDeniedException`; EC2 API Reference, "Error codes", and the common errors of the
 * other services).
 */
const DENIED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedByPolicy',
  'AllAccessDisabled',
  'AccountAccessDenied',
  'VpceAccessDenied',
  'Unauthorized',
  'UnauthorizedOperation',
  'UnauthorizedAccess',
  'UnauthorizedRequest',
  'NotAuthorized',
  'AuthFailure',
  'AuthorizationError',
  'Authorization',
  'AuthorizationHeaderMalformed',
  'AuthenticationFailed',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'UnrecognizedClient',
  'SignatureDoesNotMatch',
  'InvalidSignature',
  'MissingAuthenticationToken',
  'IncompleteSignature',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'RequestExpired',
  'OptInRequired',
  'NoSuchAccessKey',
]);

/** Whether AWS says by this code that the caller may not. */
export function isDenial(code: string): boolean {
  if (DENIED.has(code)) return true;
  const dot = code.lastIndexOf('.');
  const own = code.slice(dot + 1).replace(/(Exception|Fault)$/, '');
  return DENIED.has(own) || DENIED.has(own.replace(/Error$/, ''));
}

/** Calls without an error code went well: CloudTrail writes one for every call that did not. */
export function outcomeOf(record: JsonObject): Outcome {
  const code = textOf(record.errorCode);
  const message = textOf(record.errorMessage);
  const reason = message === undefined ? {} : { reason: message };
  if (code !== undefined) return { status: isDenial(code) ? 'denied' : 'error', code, ...reason };
  const answer = signInAnswer(record);
  if (answer !== undefined) return { status: answer === 'Success' ? 'ok' : 'denied', code: answer, ...reason };
  return { status: message === undefined ? 'ok' : 'error', ...reason };
}

/** Sign-ins answer under their own name: `{"ConsoleLogin": "Failure"}`, `{"SwitchRole": "Success"}`. */
function signInAnswer({ responseElements, eventName }: JsonObject): string | undefined {
  if (!isObject(responseElements) || typeof eventName !== 'string') return undefined;
  const answer = Object.hasOwn(responseElements, eventName) ? responseElements[eventName] : undefined;
  return answer === 'Success' || answer === 'Failure' ? answer : undefined;
}
