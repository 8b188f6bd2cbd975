import type { VNode } from 'preact';
import { ASSETS } from './assets.ts';
import { frame, type Problem, Section } from './frame.ts';
import { html } from './html.ts';
import { Data } from './text.ts';

/** Somebody who is not signed in yet proves it by a token of the page, not of a session. */
export type SignInPage = {
  /** Names under which providers are configured. */
  readonly providers: readonly string[];
  /** Whether there are local people. */
  readonly local: boolean;
  /** Where to go afterwards; one of our own pages. */
  readonly next: string;
  readonly csrf?: string;
  readonly problem?: Problem;
};

export function signInPage({ providers, local, next, csrf, problem }: SignInPage): string {
  const content = html`<div class="head"><h1>Sign in</h1>
      <p class="lead">Countersign shows what an agent did and what should be done about it. Nothing is done before people have
        countersigned it.</p></div>
    ${
      providers.length > 0 &&
      html`<${Section} id="provider" title="With your organisation">
      ${providers.map(
        (name) => html`<form method="post" action=${`/auth/oidc/${encodeURIComponent(name)}`} class="stack">
        <${Guard} csrf=${csrf} next=${next} />
        <button type="submit">Sign in with <${Data} text=${name} most=${80} /></button>
      </form>`,
      )}
    </${Section}>`
    }
    ${
      local &&
      html`<${Section} id="local" title=${providers.length > 0 ? 'With a local account' : 'With your account'}>
      <form method="post" action="/auth/password" class="stack">
        <${Guard} csrf=${csrf} next=${next} />
        <label for="name">Name</label>
        <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="256" />
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required maxlength="256" />
        <button type="submit">Sign in</button>
      </form>
      <p class="dim">Signing in for the first time, or the password is lost? An administrator gives you a one-time link.</p>
    </${Section}>`
    }
    ${providers.length === 0 && !local && html`<p class="box wait">Nobody can sign in here: no provider is configured, and there are no local people.</p>`}`;
  return frame({ title: 'Sign in', ...(problem !== undefined && { problem }) }, content);
}

function Guard({ csrf, next }: { readonly csrf: string | undefined; readonly next: string }): VNode {
  return html`${csrf !== undefined && html`<input type="hidden" name="csrf" value=${csrf} />`}
    <input type="hidden" name="next" value=${next} />`;
}

export type LinkPage = { readonly csrf?: string; readonly problem?: Problem };

/** Where a one-time link leads: a password is chosen, and the link is spent. The token comes from behind the `#`. */
export function linkPage({ csrf, problem }: LinkPage): string {
  const content = html`<div class="head"><h1>Choose your password</h1>
      <p class="lead">Your link works once. Choose a password now: you need it to sign in, and anew for every vote.</p></div>
    <${Section} id="link" title="Your password">
      <form method="post" action="/auth/link" class="stack">
        ${csrf !== undefined && html`<input type="hidden" name="csrf" value=${csrf} />`}
        <div id="token-row" class="stack">
          <label for="token">Code of your link</label>
          <input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required maxlength="256"
            aria-describedby="token-help" />
          <p class="dim" id="token-help">All that stands behind the # in your link.</p>
        </div>
        <label for="password">New password</label>
        <input id="password" name="password" type="password" autocomplete="new-password" required minlength="12" maxlength="256"
          aria-describedby="password-help" />
        <p class="dim" id="password-help">At least 12 characters. A few words that do not belong together are good.</p>
        <label for="again">The same again</label>
        <input id="again" name="again" type="password" autocomplete="new-password" required minlength="12" maxlength="256" />
        <button type="submit">Set the password and sign in</button>
      </form>
    </${Section}>`;
  return frame(
    { title: 'Choose your password', script: ASSETS.link.url, ...(problem !== undefined && { problem }) },
    content,
  );
}

export function signedOutPage(): string {
  return frame(
    { title: 'Signed out' },
    html`<div class="head"><h1>You are signed out</h1>
      <p class="lead">Your session has ended, in every process and at once.</p>
      <p><a class="more" href="/sign-in">Sign in again</a></p></div>`,
  );
}
