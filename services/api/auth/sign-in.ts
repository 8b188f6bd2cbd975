import type { Caller } from '../authentication.ts';
import type { Refused } from '../errors.ts';
import type { Ports } from '../ports.ts';
import { createLocalSignIn } from './local.ts';
import { createMeans, type SignedInNow } from './means.ts';
import { createProviderSignIn } from './provider.ts';

type Vote = { readonly containment: string; readonly digest: string };

export type LocalSignIn = {
  byPassword(given: {
    readonly name: string;
    readonly password: string;
    readonly address: string;
  }): Promise<SignedInNow | Refused>;
  /** Opens a one-time link, with the password that is to hold from then on. */
  byLink(given: {
    readonly token: string;
    readonly password: string;
    readonly address: string;
  }): Promise<SignedInNow | Refused>;
  /** Sets one's own password anew. All other sessions end. */
  changePassword(
    caller: Caller,
    given: { readonly password: string; readonly new_password: string; readonly address: string },
  ): Promise<Refused | undefined>;
  /** A fresh authentication of a local person, for one vote. */
  stepUp(
    caller: Caller,
    vote: Vote,
    given: { readonly password: string; readonly address: string },
  ): Promise<Refused | undefined>;
};

export type ProviderSignIn = {
  /** Where to send the browser, and what it has to bring back. With `vote`: to authenticate anew, for that vote alone. */
  leave(
    provider: string,
    asked: { readonly return_to: string | undefined; readonly vote?: { readonly caller: Caller; readonly of: Vote } },
  ): Promise<{ readonly url: string; readonly round_trip: string } | Refused>;
  /** Takes a browser back from a provider. */
  comeBack(back: {
    readonly provider: string;
    readonly query: string;
    readonly round_trip: string | undefined;
    readonly caller: Caller | undefined;
    readonly address: string;
  }): Promise<{ readonly return_to: string; readonly came: SignedInNow | 'stepped_up' | Refused }>;
};

/** All ways in. Each verifies who it is, and asks the responder, which decides whether they may come in. */
export type SignIn = LocalSignIn & ProviderSignIn;

export function createSignIn(ports: Ports): SignIn {
  const means = createMeans(ports);
  return { ...createLocalSignIn(means), ...createProviderSignIn(means) };
}
