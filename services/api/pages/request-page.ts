import type { VNode } from 'preact';
import type { Alert, Recommendation } from '../../../schemas/alert.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { counted } from '../../platform/words.ts';
import { ActionField, EmergencyField, WhyField } from './containment-forms.ts';
import { Badge, Facts, frame, type Problem, Section, Token, type Viewer } from './frame.ts';
import { html } from './html.ts';
import { SEVERITY_TONE } from './phrases.ts';
import { Data, When } from './text.ts';

export type RequestPage = {
  readonly viewer: Viewer;
  readonly alert: Alert;
  /** Name of the command that the form becomes. */
  readonly once: string;
  readonly problem?: Problem;
  /** What was asked for and refused, so that nobody types it again; absent: what the alert recommends. */
  readonly given?: Pick<Recommendation, 'action' | 'target' | 'parameters'> & { readonly why: string };
};

/** Asks for a containment because of an alert: what is proposed can be changed before it is asked for. */
export function requestPage({ viewer, alert, once, problem, given }: RequestPage): string {
  const { recommendation, identity } = alert;
  const { action, target, parameters } = given ?? recommendation;
  const content = html`<div class="head">
      <p class="crumbs"><a href="/containments">Containments</a></p>
      <h1>Ask for a containment</h1>
      <p class="lead">It is shown to the approvers with the alert as it stands now. You cannot approve it yourself.</p>
    </div>
    <${Section} id="alert" title="Because of this alert">
      <p class="badges"><${Badge} tone=${SEVERITY_TONE[alert.severity]}>Severity: ${alert.severity}</${Badge}></p>
      <p class="strong"><${Data} text=${alert.title} kind="prose" /></p>
      <p><${Data} text=${alert.summary} most=${1_500} kind="prose" /></p>
      <${Facts} of=${[
        ['Identity', html`<${Data} text=${identity.id} /> <span class="dim">${identity.kind}</span>`],
        [
          'Name',
          identity.name !== undefined && identity.name !== identity.id && html`<${Data} text=${identity.name} />`,
        ],
        ['Last seen', html`<${When} ms=${alert.last_time} />`],
        ['Evidence', `${counted(alert.evidence.length, 'event')}, frozen as of revision ${alert.revision}`],
        ['Recommended because', html`<${Data} text=${recommendation.reason} most=${1_000} kind="prose" />`],
      ]} />
    </${Section}>
    <${Section} id="request" title="What should be done">
      <form method="post" action="/containments" class="stack">
        <${Token} viewer=${viewer} />
        <input type="hidden" name="once" value=${once} />
        <input type="hidden" name="alert" value=${alert.uid} />
        <input type="hidden" name="tenant" value=${alert.tenant} />
        <input type="hidden" name="revision" value=${alert.revision} />
        <${ActionField} id="action" chosen=${action} />
        <label for="target">Target</label>
        <input id="target" name="target" value=${target} required maxlength=${LIMITS.resource_id_chars_max} dir="auto" />
        ${Object.entries(parameters).map(([name, value]) => html`<${ParameterField} name=${name} value=${value} />`)}
        <${WhyField} id="why" label="Why" value=${given?.why} />
        <${EmergencyField} />
        <button type="submit">Ask for it</button>
      </form>
    </${Section}>`;
  return frame({ title: 'Ask for a containment', viewer, ...(problem !== undefined && { problem }) }, content);
}

function ParameterField({ name, value }: { readonly name: string; readonly value: string }): VNode {
  return html`<label for=${`parameter-${name}`}>Parameter ${name}</label>
    <input id=${`parameter-${name}`} name=${`parameter.${name}`} value=${value} maxlength=${LIMITS.text_chars_max} dir="auto" />`;
}
