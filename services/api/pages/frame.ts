import type { VNode } from 'preact';
import type { PrincipalRef, Role } from '../../../schemas/principal.ts';
import { ASSETS } from './assets.ts';
import { type Children, documentOf, html } from './html.ts';
import type { Tone } from './phrases.ts';
import { Who } from './text.ts';

/** Who is signed in, and the token that proves that a form came from a page of ours. */
export type Viewer = {
  readonly principal: PrincipalRef;
  readonly roles: readonly Role[];
  readonly csrf: string;
};

/** Why what was asked for was not done, with the code that docs/errors.md explains. */
export type Problem = { readonly code: string; readonly message: string; readonly remedy?: string };

export type Frame = {
  readonly title: string;
  /** Absent: nobody is signed in. */
  readonly viewer?: Viewer;
  readonly problem?: Problem;
  /** Where the decision stands on the page, for people who come by keyboard. */
  readonly skip?: { readonly to: string; readonly text: string };
  /** The one script that there is, on the one page that needs it. */
  readonly script?: string;
  readonly wide?: boolean;
};

/** The whole document around the content of a page. */
export function frame(of: Frame, content: VNode): string {
  const { title, viewer, problem, skip, script } = of;
  return documentOf(html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex, nofollow" />
      <title>${title} · Countersign</title>
      <link rel="stylesheet" href=${ASSETS.style.url} />
      <link rel="icon" href=${ASSETS.icon.url} type="image/svg+xml" />
      ${script !== undefined && html`<script src=${script} defer></script>`}
    </head>
    <body>
      <a class="skip" href="#content">Skip to the content</a>
      ${skip !== undefined && html`<a class="skip" href=${skip.to}>${skip.text}</a>`}
      <header class="top">
        <a class="brand" href="/">Countersign</a>
        ${viewer !== undefined && html`<${SignedIn} viewer=${viewer} />`}
      </header>
      <main id="content" class=${of.wide === true ? 'wide' : 'narrow'} tabindex="-1">
        ${problem !== undefined && html`<${ProblemBox} ...${problem} />`}
        ${content}
      </main>
    </body>
  </html>`);
}

function SignedIn({ viewer }: { readonly viewer: Viewer }): VNode {
  return html`<nav aria-label="Pages">
      <a href="/containments">Containments</a>
    </nav>
    <div class="me">
      <span class="me-name"><${Who} of=${viewer.principal} /> <span class="dim">(${viewer.roles.join(', ')})</span></span>
      <form method="post" action="/auth/sign-out">
        <${Token} viewer=${viewer} />
        <button class="quiet" type="submit">Sign out</button>
      </form>
    </div>`;
}

/** In every form: without it nothing is changed. */
export function Token({ viewer }: { readonly viewer: Pick<Viewer, 'csrf'> }): VNode {
  return html`<input type="hidden" name="csrf" value=${viewer.csrf} />`;
}

export function ProblemBox({ code, message, remedy }: Problem): VNode {
  return html`<section class="box bad" role="alert" aria-labelledby="problem">
    <h2 id="problem">This was not done</h2>
    <p>${sentence(message)}</p>
    ${remedy !== undefined && html`<p>What to do: ${sentence(remedy)}</p>`}
    <p class="dim">Code <code>${code}</code></p>
  </section>`;
}

export function Badge({ tone, children }: { readonly tone: Tone } & Children): VNode {
  return html`<span class=${`badge ${tone}`}>${children}</span>`;
}

export function Section({ id, title, children }: { readonly id: string; readonly title: string } & Children): VNode {
  return html`<section class="box" aria-labelledby=${id}>
    <h2 id=${id}>${title}</h2>
    ${children}
  </section>`;
}

/** A list of named facts; those without a value are left out. */
export function Facts({ of }: { readonly of: readonly (readonly [string, unknown])[] }): VNode {
  const shown = of.filter(([, value]) => value !== undefined && value !== false);
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Messages of refusals begin small and end without a point. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
