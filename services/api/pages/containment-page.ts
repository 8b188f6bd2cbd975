import type { VNode } from 'preact';
import { counted, printable } from '../../platform/words.ts';
import { After, History } from './containment-after.ts';
import { Decision, OtherWays } from './containment-forms.ts';
import { Rules } from './containment-rules.ts';
import type { ContainmentPage } from './containment-view.ts';
import { Newer, Why } from './containment-why.ts';
import { Badge, Facts, frame, Section } from './frame.ts';
import { html } from './html.ts';
import { ACTIONS, askedFor, EFFECTS, meaning, SEVERITY_TONE, STATES } from './phrases.ts';
import { Bound, Data, distance, Said } from './text.ts';

/** One containment: what is asked, why, by which rules, what became of it, and the forms to decide it. */
export function containmentPage(page: ContainmentPage): string {
  const { containment, viewer, problem } = page;
  const { terms } = containment;
  const content = html`<${Head} ...${page} />
    <div class=${containment.state === 'pending' ? 'columns' : 'columns decided'}>
      <div class="main-column">
        <${What} ...${page} />
        <${Why} ...${page} />
        <${Newer} ...${page} />
      </div>
      <div class="side-column">
        <${Decision} ...${page} />
        <${After} ...${page} />
        ${page.ways.resolve !== undefined && html`<${OtherWays} ...${page} />`}
        <${Rules} ...${page} />
        <${History} ...${page} />
        ${page.ways.resolve === undefined && html`<${OtherWays} ...${page} />`}
      </div>
    </div>`;
  return frame(
    {
      title: `${askedFor(terms)}: ${printable(terms.identity.id, 60)}`,
      viewer,
      wide: true,
      skip: { to: '#decision', text: 'Skip to the decision' },
      ...(problem !== undefined && { problem }),
    },
    content,
  );
}

function Head(page: ContainmentPage): VNode {
  const { containment, now } = page;
  const { terms, state, effect, situation } = containment;
  const { origin, break_glass } = terms;
  const shown = STATES[state];
  return html`<div class="head">
    <p class="crumbs"><a href="/containments">Containments</a></p>
    <p class="badges">
      <${Badge} tone=${shown.tone}>${shown.name}</${Badge}>
      ${effect !== undefined && html`<${Badge} tone=${EFFECTS[effect.state].tone}>Effect: ${EFFECTS[effect.state].name}</${Badge}>`}
      <${Badge} tone=${SEVERITY_TONE[terms.alert.severity]}>Severity: ${terms.alert.severity}</${Badge}>
      ${break_glass !== undefined && html`<${Badge} tone="bad">Emergency</${Badge}>`}
    </p>
    <h1>${askedFor(terms)} <span class="of"><${Data} text=${terms.recommendation.target} most=${200} /></span></h1>
    <p class="lead">${meaning(terms)} ${state === 'pending' ? '' : shown.says}
      ${situation.until !== undefined && state === 'pending' && html` It expires ${distance(situation.until, now)}.`}</p>
    ${page.ways.deny?.open === true && html`<a class="jump" href="#decision">Go to your decision</a>`}
    ${
      break_glass !== undefined &&
      html`<div class="box bad slim"><strong>Emergency (break-glass):</strong> <${Said} text=${break_glass.why} />
        <p class="dim">It needs as many approvals as ever, and everybody who may approve was told of it.</p></div>`
    }
    ${
      origin?.kind === 'rollback' &&
      html`<div class="box slim">It takes back <a href=${`/containments/${origin.of}`}>an earlier containment</a>: <${Said} text=${origin.why} /></div>`
    }
  </div>`;
}

/** Exactly what a vote is about: nothing here comes from anywhere but the terms. */
function What({ containment, executor, preview }: ContainmentPage): VNode {
  const { terms } = containment;
  const { recommendation, identity } = terms;
  const { action, target, parameters } = recommendation;
  const names = Object.entries(parameters);
  const bound: readonly (readonly [string, unknown])[] = [
    ['Action', html`${askedFor(terms)} <code class="dim">${action}</code>`],
    [`Target (${ACTIONS[action].target})`, html`<${Bound} text=${target} />`],
    ...names.map(([name, value]) => [`Parameter ${name}`, html`<${Bound} text=${value} />`] as const),
    ['Identity', html`<${Bound} text=${identity.id} /> <span class="dim">${identity.kind}</span>`],
    ['Name', identity.name !== undefined && identity.name !== identity.id && html`<${Bound} text=${identity.name} />`],
    ['Owner', identity.owner !== undefined && html`<${Data} text=${identity.owner} />`],
    ['Peer group', identity.peer_group !== undefined && html`<${Data} text=${identity.peer_group} />`],
    ['Version', identity.version !== undefined && html`<${Data} text=${identity.version} />`],
    ['Credential', identity.credential !== undefined && html`<${Data} text=${identity.credential} />`],
    ['Tenant', terms.tenant !== 'default' && html`<${Data} text=${terms.tenant} />`],
    ['Carried out by', html`<${CarriedOutBy} named=${terms.executor} says=${executor} />`],
  ];
  return html`<${Section} id="what" title=${containment.state === 'pending' ? 'What would be done' : 'What was asked'}>
    <${Facts} of=${bound} />
    ${preview !== undefined && html`<${Ahead} ...${preview} />`}
  </${Section}>`;
}

function CarriedOutBy({
  named,
  says,
}: {
  readonly named: string | undefined;
  readonly says: ContainmentPage['executor'];
}): VNode {
  if (named === undefined || says.state !== 'configured') {
    return html`<strong class="warn">Nobody</strong> <span>${
      says.state === 'configured' ? 'no configured executor can do this: approved, it would expire' : says.message
    }</span>`;
  }
  return html`<${Data} text=${named} />`;
}

/** The look ahead: what would be sent, and whom it would hit. */
function Ahead({ dry_run, reach, missing }: NonNullable<ContainmentPage['preview']>): VNode {
  return html`
    ${
      reach.length > 0 &&
      html`<h3>Whom it hits</h3>
      <p class="dim">Counted in what Countersign has seen${missing === undefined ? '' : `: ${missing}`}. No part of what a vote is bound to.</p>
      <${Facts} of=${reach.map(({ name, values, note }) => [name, html`<${Reached} values=${values} note=${note} />`] as const)} />`
    }
    ${reach.length === 0 && missing !== undefined && html`<p class="dim">Whom it would hit is not known: ${missing}.</p>`}
    ${
      dry_run !== undefined &&
      html`<details><summary>What would be sent (${counted(dry_run.length, 'character')})</summary>
      <pre class="wrap"><${Data} text=${dry_run} most=${4_000} /></pre></details>`
    }`;
}

function Reached({ values, note }: { readonly values: readonly string[]; readonly note: string | undefined }): VNode {
  return html`${values.map((value, index) => html`${index > 0 && ', '}<${Data} text=${value} most=${120} />`)}
    ${note !== undefined && html` <span class="dim">${note}</span>`}`;
}
