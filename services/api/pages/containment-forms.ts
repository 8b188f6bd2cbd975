import type { VNode } from 'preact';
import { CONTAINMENT_ACTIONS } from '../../../schemas/alert.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { ContainmentPage } from './containment-view.ts';
import { Section, Token, type Viewer } from './frame.ts';
import { type Children, html } from './html.ts';
import { ACTIONS } from './phrases.ts';
import { shortDigest, spanText } from './text.ts';

/** The decision: first a fresh proof of who decides, then the vote, bound to what the page shows. */
export function Decision(page: ContainmentPage): VNode | null {
  const { ways, fresh_until, now, newer } = page;
  const { approve, deny } = ways;
  if (approve === undefined || deny === undefined) return null;
  return html`<${Section} id="decision" title="Your decision">
    ${newer !== undefined && html`<p class="box slim wait">The alert has changed since. See <a href="#newer">what is newer</a> than what you vote on.</p>`}
    ${!approve.open && html`<p>${approve.why}</p>`}
    ${!approve.open && deny.open && html`<p>One denial still ends it.</p>`}
    ${deny.open && fresh_until === undefined && html`<${StepUpForm} ...${page} />`}
    ${
      deny.open &&
      fresh_until !== undefined &&
      html`<p class="step">Step 2 of 2: decide</p>
      <p class="dim">Your proof counts for another ${spanText(fresh_until - now)}, for this and nothing else.</p>
      <${VoteForm} ...${page} />`
    }
  </${Section}>`;
}

/** What every form of a containment's page carries: whose it is, its name as a command, and what was shown. */
function Hidden({
  viewer,
  once,
  digest,
}: {
  readonly viewer: Viewer;
  readonly once: string;
  readonly digest?: string;
}): VNode {
  return html`<${Token} viewer=${viewer} />
    <input type="hidden" name="once" value=${once} />
    ${digest !== undefined && html`<input type="hidden" name="digest" value=${digest} />`}`;
}

function StepUpForm({ viewer, containment, step_up }: ContainmentPage): VNode {
  return html`<p class="step">Step 1 of 2: prove that it is you</p>
    <p class="dim">Every vote needs it anew. It counts for five minutes, for exactly what this page shows.</p>
    <form method="post" action="/auth/step-up" class="stack">
      <${Token} viewer=${viewer} />
      <input type="hidden" name="containment" value=${containment.id} />
      <input type="hidden" name="digest" value=${containment.digest} />
      ${
        step_up.kind === 'password' &&
        html`<input type="text" value=${viewer.principal.subject} autocomplete="username" readonly hidden />
        <label for="step-up-password">Your password</label>
        <input id="step-up-password" name="password" type="password" autocomplete="current-password" required
          maxlength=${LIMITS.password_chars_max} />`
      }
      <button type="submit">${step_up.kind === 'password' ? 'Prove that it is me' : `Sign in anew at ${step_up.provider}`}</button>
    </form>`;
}

function VoteForm({ viewer, once, containment, ways }: ContainmentPage): VNode {
  const at = `/containments/${containment.id}`;
  const { approvals } = containment.terms.policy;
  const missing = approvals - containment.votes.filter(({ decision }) => decision === 'approve').length;
  const mayApprove = ways.approve?.open === true;
  const then =
    missing <= 1
      ? 'If the policy of today asks for no more, yours is the last approval that is missing: it is carried out at once.'
      : 'Others have to approve as well before it is carried out.';
  return html`<form method="post" action=${`${at}/deny`} class="stack">
    <${Hidden} viewer=${viewer} once=${once} digest=${containment.digest} />
    <label for="comment">Comment <span class="dim">(for the record; optional)</span></label>
    <textarea id="comment" name="comment" rows="3" maxlength=${LIMITS.comment_chars_max}></textarea>
    <p class="dim">You vote on the digest <code class="digest">${shortDigest(containment.digest)}</code>. ${mayApprove ? then : ''}</p>
    <div class="buttons">
      ${mayApprove && html`<button class="approve" type="submit" formaction=${`${at}/approve`}>Approve</button>`}
      <button class="deny" type="submit" formaction=${`${at}/deny`}>Deny</button>
    </div>
  </form>`;
}

/** What else can be done, folded away so that nobody does it by mistake. */
export function OtherWays(page: ContainmentPage): VNode | null {
  const { cancel, amend, rollback, resolve } = page.ways;
  if ([cancel, amend, rollback, resolve].every((way) => way === undefined)) return null;
  return html`<${Section} id="other" title=${resolve === undefined ? 'Other ways' : 'Say what you found'}>
    ${resolve?.open === true && html`<${ResolveForm} ...${page} />`}
    ${amend?.open === true && html`<${AmendForm} ...${page} />`}
    ${rollback?.open === true && html`<${RollbackForm} ...${page} />`}
    ${cancel?.open === true && html`<${CancelForm} ...${page} />`}
  </${Section}>`;
}

function CancelForm({ viewer, once, containment }: ContainmentPage): VNode {
  return html`<details><summary>Cancel it</summary>
    <form method="post" action=${`/containments/${containment.id}/cancel`} class="stack">
      <${Hidden} viewer=${viewer} once=${once} />
      <p>Nothing is sent, and votes that were given count no more. A denial says that it is wrong; this only calls it off.</p>
      <button type="submit">Cancel this containment</button>
    </form></details>`;
}

function RollbackForm({ viewer, once, containment }: ContainmentPage): VNode {
  return html`<details><summary>Take it back</summary>
    <form method="post" action=${`/containments/${containment.id}/rollback`} class="stack">
      <${Hidden} viewer=${viewer} once=${once} />
      <p>This asks for a new containment that undoes this one. It needs its own approvals, and you cannot give them.</p>
      <${WhyField} id="rollback-why" label="Why it should be taken back" />
      <${EmergencyField} />
      <button type="submit">Ask to take it back</button>
    </form></details>`;
}

function AmendForm({ viewer, once, containment }: ContainmentPage): VNode {
  const { action, target, parameters } = containment.terms.recommendation;
  return html`<details><summary>Change what is asked</summary>
    <form method="post" action=${`/containments/${containment.id}/amend`} class="stack">
      <${Hidden} viewer=${viewer} once=${once} digest=${containment.digest} />
      <p>All votes given so far are void then, and you become the one who asks: you cannot approve it yourself.</p>
      <${ActionField} id="amend-action" chosen=${action} />
      <label for="amend-target">Target</label>
      <input id="amend-target" name="target" value=${target} required maxlength=${LIMITS.resource_id_chars_max} dir="auto" />
      ${Object.entries(parameters).map(
        ([name, value]) => html`<label for=${`amend-${name}`}>Parameter ${name}</label>
        <input id=${`amend-${name}`} name=${`parameter.${name}`} value=${value} maxlength=${LIMITS.text_chars_max} dir="auto" />`,
      )}
      <${WhyField} id="amend-why" label="Why it should be changed" />
      <button type="submit">Change it and void the votes</button>
    </form></details>`;
}

function ResolveForm({ viewer, once, containment }: ContainmentPage): VNode {
  return html`<p>Telemetry and the executor cannot say what became of it. Look at the target, then say what you found.</p>
    <form method="post" action=${`/containments/${containment.id}/resolve`} class="stack">
      <${Hidden} viewer=${viewer} once=${once} />
      <fieldset><legend>What is true of the target</legend>
        <label class="choice"><input type="radio" name="took_effect" value="yes" required /> It took effect</label>
        <label class="choice"><input type="radio" name="took_effect" value="no" required /> It did not take effect</label>
      </fieldset>
      <${WhyField} id="resolve-why" name="comment" label="How you know" />
      <button type="submit">Record what I found</button>
    </form>`;
}

type WhyOptions = {
  readonly id: string;
  readonly label: string;
  readonly name?: string;
  readonly value?: string | undefined;
};

export function WhyField({ id, label, name = 'why', value }: WhyOptions): VNode {
  return html`<label for=${id}>${label}</label>
    <textarea id=${id} name=${name} rows="3" required maxlength=${LIMITS.comment_chars_max}>${value}</textarea>`;
}

export function ActionField({ id, chosen }: { readonly id: string; readonly chosen: string } & Children): VNode {
  return html`<label for=${id}>Action</label>
    <select id=${id} name="action">${CONTAINMENT_ACTIONS.map(
      (action) => html`<option value=${action} selected=${action === chosen}>${ACTIONS[action].title}</option>`,
    )}</select>`;
}

/** Raises the record, and lowers nothing. */
export function EmergencyField(): VNode {
  return html`<fieldset><legend>Emergency</legend>
    <label class="choice"><input type="checkbox" name="break_glass" value="yes" /> Break the glass</label>
    <p class="dim">Everybody who may approve is told at once, and it stands on the record for good. It needs as many approvals
      as ever.</p>
  </fieldset>`;
}
