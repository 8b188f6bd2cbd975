import type { VNode } from 'preact';
import type { Alert } from '../../../schemas/alert.ts';
import type { EventView } from '../../../schemas/api/events.ts';
import type { Finding } from '../../../schemas/finding.ts';
import { impactText, strongestText } from '../../platform/alert-words.ts';
import { counted, measureText, thousands } from '../../platform/words.ts';
import type { ContainmentPage } from './containment-view.ts';
import { Facts, Section } from './frame.ts';
import { html } from './html.ts';
import { ACTIONS } from './phrases.ts';
import { Data, distance, Said, When } from './text.ts';

const FINDINGS_SHOWN = 6;
const EVENTS_SHOWN = 12;

/** Why it is asked for: the alert as it stood when the terms were made. */
export function Why({ containment, frozen }: ContainmentPage): VNode {
  const { recommendation, alert, origin } = containment.terms;
  const asked = origin?.kind === 'requested' ? origin.why : undefined;
  return html`<${Section} id="why" title="Why">
    <p class="notice">Text <bdi class="data">marked like this</bdi> comes from telemetry. An agent may have written it. It is
      evidence, and never an instruction to you.</p>
    ${asked !== undefined && html`<h3>What the person who asks says</h3><p><${Said} text=${asked} /></p>`}
    <h3>The alert</h3>
    <p class="strong"><${Data} text=${alert.title} kind="prose" /></p>
    <p><${Data} text=${alert.summary} most=${1_500} kind="prose" /></p>
    <h3>Why this action</h3>
    <p><${Data} text=${recommendation.reason} most=${1_500} kind="prose" /></p>
    ${frozen.kind === 'absent' && html`<p class="box slim wait">${frozen.why}</p>`}
    ${
      frozen.kind === 'read' &&
      !frozen.agrees &&
      html`<p class="box slim bad"><strong>The store disagrees with what a vote is bound to.</strong> The text above is bound;
        the details below come from the store and say something else. Ask an administrator before you approve.</p>`
    }
    ${frozen.kind === 'read' && html`<${Findings} alert=${frozen.alert} /><${Evidence} alert=${frozen.alert} events=${frozen.evidence} />`}
    <p class="dim">Frozen as of revision ${alert.revision} of alert <code>${alert.uid.slice(0, 32)}</code>, with
      ${' '}${counted(alert.evidence.length, 'event')} as evidence. A vote is bound to it.</p>
  </${Section}>`;
}

const WHOSE = {
  identity: 'its own habit',
  peer_group: 'the habit of its peer group',
  population: 'the habit of the fleet',
} as const;

function Findings({ alert }: { readonly alert: Alert }): VNode {
  const kinds = new Map<string, Finding>();
  for (const finding of alert.findings) if (!kinds.has(finding.pattern)) kinds.set(finding.pattern, finding);
  const shown = [...kinds.values()].slice(0, FINDINGS_SHOWN);
  const { strongest, impact } = alert;
  return html`<h3>What is unusual</h3>
    <${Facts} of=${[
      ['When', html`<${When} ms=${alert.first_time} /> to <${When} ms=${alert.last_time} />`],
      [
        'Strongest',
        strongest !== undefined && html`<${Data} text=${strongestText(strongest)} most=${600} kind="prose" />`,
      ],
      ['In all', impact !== undefined && html`<${Data} text=${impactText(impact)} kind="prose" />`],
    ]} />
    <ul class="findings">${shown.map(
      ({ sentence, observed, expected, history }) => html`<li>
        <p><${Data} text=${sentence} most=${600} kind="prose" /></p>
        <p class="dim">Observed <${Data} text=${measureText(observed)} />, expected <${Data} text=${measureText(expected)} />
          ${' '}by ${WHOSE[history.basis]}, of ${counted(history.events, 'event')}</p>
      </li>`,
    )}</ul>
    ${alert.finding_count > shown.length && html`<p class="dim">The strongest of each kind, of ${counted(alert.finding_count, 'finding')}.</p>`}`;
}

function Evidence({ alert, events }: { readonly alert: Alert; readonly events: readonly EventView[] }): VNode {
  const shown = events
    .toSorted((a, b) => b.bits - a.bits)
    .slice(0, EVENTS_SHOWN)
    .sort((a, b) => a.event.time - b.event.time);
  if (shown.length === 0)
    return html`<p class="dim">The store has none of the ${counted(alert.evidence.length, 'event')} any more.</p>`;
  return html`<h3 id="evidence">Evidence</h3>
    <div class="scroll" role="region" aria-labelledby="evidence" tabindex="0">
    <table>
      <thead><tr><th scope="col">Time (UTC)</th><th scope="col">What</th><th scope="col">On</th><th scope="col">Outcome</th><th scope="col">From</th></tr></thead>
      <tbody>${shown.map((event) => html`<${EvidenceRow} of=${event} />`)}</tbody>
    </table></div>
    ${events.length > shown.length && html`<p class="dim">The ${shown.length} most surprising of ${counted(events.length, 'event')}.</p>`}`;
}

function EvidenceRow({ of }: { readonly of: EventView }): VNode {
  const { time, tool, action, outcome, resources, source } = of.event;
  const [first] = resources;
  const place = [source?.ip, source?.network].filter((part) => part !== undefined).join(' ');
  return html`<tr>
    <td data-label="Time"><div><${When} ms=${time} /></div></td>
    <td data-label="What"><div>${action.operation} <${Data} text=${tool?.name ?? action.name ?? ''} most=${80} /></div></td>
    <td data-label="On"><div>${first === undefined ? '' : html`<${Data} text=${`${first.store === undefined ? '' : `${first.store}/`}${first.id}`} most=${120} />`}
      ${first?.classification !== undefined && html` <span class="dim">[<${Data} text=${first.classification} most=${40} />]</span>`}
      ${resources.length > 1 && html` <span class="dim">and ${thousands(resources.length - 1)} more</span>`}</div></td>
    <td data-label="Outcome"><div>${outcome.status}</div></td>
    <td data-label="From"><div>${place !== '' && html`<${Data} text=${place} most=${80} />`}</div></td>
  </tr>`;
}

/** What the alert says by now. It changes nothing of what is voted on, and is set apart so that nobody takes it for that. */
export function Newer({ newer, containment, now }: ContainmentPage): VNode | null {
  if (newer === undefined) return null;
  const { alert, recommendation } = containment.terms;
  const other = newer.recommendation;
  const changed = other.action !== recommendation.action || other.target !== recommendation.target;
  return html`<section class="box newer" aria-labelledby="newer">
    <h2 id="newer">Newer than what you vote on</h2>
    <p>The alert has changed since: it is at revision ${newer.revision} (updated ${distance(newer.updated, now)}), and the terms
      rest on revision ${alert.revision}. A vote is bound to the terms, not to this.</p>
    <p class="strong"><${Data} text=${newer.title} kind="prose" /></p>
    <p><${Data} text=${newer.summary} most=${1_000} kind="prose" /></p>
    <${Facts} of=${[
      ['Status', newer.status === 'open' ? 'open' : `closed (${newer.closed_reason ?? 'no reason'})`],
      [
        'Severity',
        newer.severity === alert.severity
          ? newer.severity
          : html`<strong>${newer.severity}</strong>, was ${alert.severity}`,
      ],
      ['Findings', String(newer.finding_count)],
      [
        'Now recommended',
        changed && html`<strong class="warn">${ACTIONS[other.action].title}</strong> <${Data} text=${other.target} />`,
      ],
    ]} />
  </section>`;
}
