import type { VNode } from 'preact';
import { SEVERITIES } from '../../../schemas/alert.ts';
import type { ContainmentView, ExecutorView } from '../../../schemas/api/containments.ts';
import { counted } from '../../platform/words.ts';
import { AskedBy } from './asked-by.ts';
import { Badge, frame, type Problem, type Viewer } from './frame.ts';
import { html } from './html.ts';
import { askedFor, EFFECTS, SEVERITY_TONE, STATES } from './phrases.ts';
import { Data, distance, When } from './text.ts';
import { needsLook, type Way } from './ways.ts';

/** A row, and whether the viewer can approve it. */
export type ListedContainment = { readonly containment: ContainmentView; readonly approve: Way | undefined };

export type ListPage = {
  readonly viewer: Viewer;
  readonly now: number;
  readonly executor: ExecutorView;
  /** Whatever can still change, or needs a person. */
  readonly open: readonly ListedContainment[];
  readonly ended: readonly ListedContainment[];
  /** Where the ended ones go on. */
  readonly more?: string;
  /** True on pages that show ended ones only. */
  readonly further: boolean;
  readonly problem?: Problem;
};

/** What waits for a decision comes first: emergencies, then the gravest, and of those what runs out soonest. */
export function listPage(page: ListPage): string {
  const { viewer, open, ended, executor, more, further, problem, now } = page;
  const waiting = open.filter(({ containment }) => containment.state === 'pending');
  const broken = open.filter(({ containment }) => isTrouble(containment));
  const running = open.filter((one) => !waiting.includes(one) && !broken.includes(one));
  const mine = waiting.filter(({ approve }) => approve?.open === true).length;
  const content = html`<div class="head">
      <h1>Containments</h1>
      ${!further && html`<p class="lead">${leadOf(waiting.length, mine)}</p>`}
      ${executor.state !== 'configured' && html`<p class="box slim wait"><strong>Nothing would be carried out:</strong> ${executor.message}.</p>`}
    </div>
    ${!further && html`<${Group} id="waiting" title="Waiting for approval" rows=${byUrgency(waiting)} now=${now} empty="Nothing waits for approval." />`}
    ${broken.length > 0 && html`<${Group} id="trouble" title="Needs a person" rows=${broken} now=${now} />`}
    ${running.length > 0 && html`<${Group} id="running" title="Under way" rows=${running} now=${now} />`}
    ${(ended.length > 0 || further) && html`<${Group} id="ended" title="Ended" rows=${ended} now=${now} empty="There are no more." />`}
    ${more !== undefined && html`<p><a class="more" href=${more}>Older ones</a></p>`}
    ${further && html`<p><a class="more" href="/containments">Back to what waits</a></p>`}`;
  return frame({ title: 'Containments', viewer, ...(problem !== undefined && { problem }) }, content);
}

function leadOf(waiting: number, mine: number): string {
  if (waiting === 0) return 'Nothing waits for a decision.';
  const all = waiting === 1 ? 'One waits for a decision' : `${waiting} wait for a decision`;
  if (mine === 0) return `${all}, none of them for yours.`;
  if (mine === waiting) return `${all}. You can decide ${waiting === 1 ? 'it' : 'all of them'}.`;
  return `${all}; of ${mine} it can be yours.`;
}

const byUrgency = (rows: readonly ListedContainment[]): readonly ListedContainment[] =>
  rows.toSorted(
    ({ containment: a }, { containment: b }) => gravityOf(b) - gravityOf(a) || a.approval_expires - b.approval_expires,
  );

const gravityOf = ({ terms }: ContainmentView): number =>
  terms.break_glass === undefined ? SEVERITIES.indexOf(terms.alert.severity) : SEVERITIES.length;

/** What did not work, or nobody knows whether it did. */
export function isTrouble(containment: ContainmentView): boolean {
  const { state, effect, resolution } = containment;
  return needsLook(containment) || (state === 'succeeded' && effect?.state === 'failed' && resolution === undefined);
}

type GroupOf = {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly ListedContainment[];
  readonly now: number;
  readonly empty?: string;
};

function Group({ id, title, rows, now, empty }: GroupOf): VNode {
  return html`<section aria-labelledby=${id}>
    <h2 id=${id}>${title}${rows.length > 0 && html` <span class="dim">(${rows.length})</span>`}</h2>
    ${rows.length === 0 ? html`<p class="dim">${empty ?? ''}</p>` : html`<ul class="cards">${rows.map((row) => html`<${Card} row=${row} now=${now} />`)}</ul>`}
  </section>`;
}

function Card({ row, now }: { readonly row: ListedContainment; readonly now: number }): VNode {
  const { containment } = row;
  const { id, state, terms, effect } = containment;
  const { recommendation, identity, alert, break_glass } = terms;
  return html`<li class="card">
    <p class="badges">
      <${Badge} tone=${STATES[state].tone}>${STATES[state].name}</${Badge}>
      ${effect !== undefined && html`<${Badge} tone=${EFFECTS[effect.state].tone}>Effect: ${EFFECTS[effect.state].name}</${Badge}>`}
      <${Badge} tone=${SEVERITY_TONE[alert.severity]}>Severity: ${alert.severity}</${Badge}>
      ${break_glass !== undefined && html`<${Badge} tone="bad">Emergency</${Badge}>`}
    </p>
    <h3><a href=${`/containments/${id}`}>${askedFor(terms)} <${Data} text=${recommendation.target} most=${90} /></a></h3>
    <p>of <${Data} text=${identity.name ?? identity.id} most=${90} />${identity.owner !== undefined && html`, owner <${Data} text=${identity.owner} most=${60} />`}</p>
    <p class="because"><${Data} text=${alert.title} most=${160} kind="prose" /></p>
    <p class="dim">Asked by <${AskedBy} containment=${containment} />, <${When} ms=${containment.created} /></p>
    <p class="card-foot">${footOf(row, now)}</p>
  </li>`;
}

function footOf({ containment, approve }: ListedContainment, now: number): VNode {
  const { state, votes, terms, approval_expires, updated, situation } = containment;
  if (state !== 'pending') {
    const until = situation.until;
    return html`<span>${STATES[state].says} ${state === 'approved' && until !== undefined ? `It expires ${distance(until, now)}.` : `Last changed ${distance(updated, now)}.`}</span>`;
  }
  const given = votes.filter(({ decision }) => decision === 'approve').length;
  const needed = counted(terms.policy.approvals, 'approval');
  return html`<strong>${given} of ${needed}</strong> <span>expires ${distance(approval_expires, now)}</span>
    ${approve !== undefined && html` <span class=${approve.open ? 'call' : 'dim'}>${approve.open ? 'You can decide this' : approve.why}</span>`}`;
}
