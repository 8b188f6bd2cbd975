import { LIMITS } from '../../../schemas/limits.ts';
import { ASSETS } from './assets.ts';
import { frame, type Problem, Section } from './frame.ts';
import { html } from './html.ts';

/** What people see who are not signed in yet. */
export type SignInPage = {
  readonly providers: readonly { readonly name: string; readonly label: string }[];
  /** Whether there are local people. */
  readonly local: boolean;
  /** Where to go afterwards: a path of ours. */
  readonly return_to: string | undefined;
  readonly problem?: Problem;
};

export function signInPage({ providers, local, return_to, problem }: SignInPage): string {
  const back = return_to === undefined ? '' : `?${new URLSearchParams({ return_to })}`;
  const content = html`<div class="head"><h1>Sign in</h1>
      <p class="lead">Countersign shows what an agent did and what should be done about it. Nothing is done before people have
        countersigned it.</p></div>
    ${
      providers.length > 0 &&
      html`<${Section} id="provider" title="With your organisation">
      <ul class="plain">${providers.map(
        ({ name, label }) =>
          html`<li><a class="button" href=${`/auth/oidc/${encodeURIComponent(name)}${back}`}>Sign in with <bdi>${label}</bdi></a></li>`,
      )}</ul>
    </${Section}>`
    }
    ${
      local &&
      html`<${Section} id="local" title=${providers.length > 0 ? 'With a local account' : 'With your account'}>
      <form method="post" action="/auth/password" class="stack">
        ${return_to !== undefined && html`<input type="hidden" name="return_to" value=${return_to} />`}
        <label for="name">Name</label>
        <input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required
          maxlength=${LIMITS.id_chars_max} />
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required
          maxlength=${LIMITS.password_chars_max} />
        <button type="submit">Sign in</button>
      </form>
      <p class="dim">For the first time here, or the password is lost? An administrator gives you a one-time link.</p>
    </${Section}>`
    }
    ${
      providers.length === 0 &&
      !local &&
      html`<p class="box wait">Nobody can sign in here: no provider is configured, and there are no local people.</p>`
    }`;
  return frame({ title: 'Sign in', ...(problem !== undefined && { problem }) }, content);
}

export type LinkPage = { readonly problem?: Problem };

/** Where a one-time link leads: a password is chosen, and the link is spent. The token comes from behind the `#`. */
export function linkPage({ problem }: LinkPage): string {
  const { password_chars_min: least, password_chars_max: most } = LIMITS;
  const content = html`<div class="head"><h1>Choose your password</h1>
      <p class="lead">Your link works once. Choose a password now: you need it to sign in, and anew for every vote.</p></div>
    <${Section} id="link" title="Your password">
      <form method="post" action="/auth/link" class="stack">
        <div id="token-row" class="stack">
          <label for="token">Code of your link</label>
          <input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required maxlength="256"
            aria-describedby="token-help" />
          <p class="dim" id="token-help">All that stands behind the # in your link.</p>
        </div>
        <label for="password">New password</label>
        <input id="password" name="password" type="password" autocomplete="new-password" required minlength=${least}
          maxlength=${most} aria-describedby="password-help" />
        <p class="dim" id="password-help">At least ${least} characters. A few words that do not belong together are good.</p>
        <label for="again">The same again</label>
        <input id="again" type="password" autocomplete="new-password" required maxlength=${most} />
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
