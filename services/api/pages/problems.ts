import { DEFAULT_MESSAGES } from '../errors.ts';
import type { Problem } from './frame.ts';

/** What a page says of a refusal that it was redirected with: an address carries the code alone, never words. */
const WORDS: ReadonlyMap<string, Omit<Problem, 'code'>> = new Map(
  Object.entries({
    sign_in_refused: {
      message: 'name and password do not fit, or this person cannot sign in',
      remedy: 'check both; an administrator can give you a one-time link',
    },
    sign_in_limited: {
      message: 'too many attempts failed',
      remedy: 'wait a few minutes, or ask an administrator for a one-time link',
    },
    sign_in_no_role: {
      message: 'you were recognised, and hold no role here',
      remedy: 'ask an administrator: the policy says who has which role',
    },
    session_over: { message: 'your session is over', remedy: 'sign in again; you come back to where you were' },
    link_refused: {
      message: 'this link was used before, has expired, or was never one',
      remedy: 'ask an administrator for a new one',
    },
    password_unsuitable: {
      message: 'this password will not do: it is too short, too long, or your name',
      remedy: 'open your link again and choose another one',
    },
    authentication_not_fresh: {
      message: 'you were not authenticated anew, or as somebody else',
      remedy: 'prove again that it is you, as the person you are signed in as',
    },
    round_trip_lost: {
      message: 'the way to the provider and back was not made in this browser, or took too long',
      remedy: 'begin again',
    },
    provider_refused: { message: 'the provider did not let you in', remedy: 'begin again, or ask there' },
    provider_unavailable: { message: 'the provider does not answer, or not as it should', remedy: 'try again later' },
    too_busy: { message: 'too many people are signing in at this moment', remedy: 'try again' },
  }),
);

/** Undefined when the code is none: whoever makes up an address cannot make a page say things. */
export function problemOf(code: string | undefined): Problem | undefined {
  if (code === undefined) return undefined;
  const words = WORDS.get(code);
  if (words !== undefined) return { code, ...words };
  const message = DEFAULT_MESSAGES.get(code);
  return message === undefined ? undefined : { code, message };
}
