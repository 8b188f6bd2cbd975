import type { VNode } from 'preact';
import type { Containment } from '../../../schemas/containment.ts';
import type { Effect } from '../../../schemas/effect.ts';
import { counted } from '../../platform/words.ts';
import { AskedBy } from './asked-by.ts';
import type { ContainmentPage } from './containment-view.ts';
import { Badge, Facts, Section } from './frame.ts';
import { html } from './html.ts';
import { CANCELLED, EFFECTS, STATES } from './phrases.ts';
import { Data, Said, When, WhenAndHowFar, Who } from './text.ts';

/** What became of it: how it was carried out, and what telemetry says since. */
export function After({ containment, taken_back_by, now }: ContainmentPage): VNode | null {
  const { execution, effect, state, situation } = containment;
  if (execution === undefined && effect === undefined && state !== 'approved') return null;
  return html`<${Section} id="after" title="What became of it">
    <p>${STATES[state].says}</p>
    ${state === 'approved' && html`<p class=${situation.code === 'waits_for_dispatch' ? '' : 'warn'}><${Data} text=${situation.message} /></p>`}
    ${
      execution !== undefined &&
      html`<${Facts} of=${[
        ['Carried out by', html`<${Data} text=${execution.executor} />`],
        ['Began', html`<${When} ms=${execution.started} />`],
        ['Attempts', String(execution.attempts)],
        [
          'Nothing is sent after',
          execution.finished === undefined && html`<${WhenAndHowFar} ms=${execution.deadline} now=${now} />`,
        ],
        ['Ended', execution.finished !== undefined && html`<${When} ms=${execution.finished} />`],
        ['Answer', execution.detail !== undefined && html`<${Data} text=${execution.detail} most=${1_000} />`],
      ]} />`
    }
    ${effect !== undefined && html`<${Watched} effect=${effect} now=${now} />`}
    ${taken_back_by.map(
      ({ id, state: other }) =>
        html`<p>Taken back by <a href=${`/containments/${id}`}>another containment</a> (${STATES[other].name.toLowerCase()}).</p>`,
    )}
  </${Section}>`;
}

/** What telemetry says: whether what must no longer be seen is seen. */
function Watched({ effect, now }: { readonly effect: Effect; readonly now: number }): VNode {
  const { state, watch, report } = effect;
  const { tool, session, credential, classification } = watch.predicate;
  return html`<h3>Effect <${Badge} tone=${EFFECTS[state].tone}>${EFFECTS[state].name}</${Badge}></h3>
    <p>${EFFECTS[state].says}</p>
    <${Facts} of=${[
      [
        'Must not be seen',
        html`anything of <${Data} text=${watch.predicate.identity} />${[
          ...(tool === undefined ? [] : [html` with the tool <${Data} text=${tool} />`]),
          ...(session === undefined ? [] : [html` in the session <${Data} text=${session} />`]),
          ...(credential === undefined ? [] : [html` by the credential <${Data} text=${credential} />`]),
          ...(classification === undefined ? [] : [html` on data of the class <${Data} text=${classification} />`]),
        ]}`,
      ],
      ['From', html`<${When} ms=${watch.from} />`],
      [
        'Until',
        state === 'watching'
          ? html`<${WhenAndHowFar} ms=${watch.until} now=${now} />`
          : html`<${When} ms=${watch.until} />`,
      ],
    ]} />
    ${
      report !== undefined &&
      html`<p><${Data} text=${report.why} most=${1_000} /></p>
      <${Facts} of=${[
        ['Went through', counted(report.permitted, 'event')],
        ['Refused', counted(report.refused, 'event')],
        ['Other events of the identity', counted(report.others, 'event')],
        ['Alert', report.alert_uid !== undefined && html`<code class="wrap">${report.alert_uid.slice(0, 64)}</code>`],
      ]} />
      ${
        report.evidence.length > 0 &&
        html`<ul class="plain">${report.evidence.map(
          ({ id, time }) => html`<li><${When} ms=${time} /> <${Data} text=${id} most=${80} /></li>`,
        )}</ul>`
      }`
    }`;
}

type Entry = { readonly time: number; readonly what: VNode };

/** What happened, in the order in which it did. */
export function History({ containment }: ContainmentPage): VNode {
  return html`<${Section} id="history" title="History">
    <ol class="history">${entriesOf(containment).map(
      ({ time, what }) => html`<li><${When} ms=${time} /><div>${what}</div></li>`,
    )}</ol>
  </${Section}>`;
}

function entriesOf(containment: Containment): readonly Entry[] {
  const {
    state,
    created,
    updated,
    votes,
    voided_votes = [],
    cancellation,
    execution,
    effect,
    resolution,
  } = containment;
  const entries: Entry[] = [
    { time: created, what: html`Proposed by <${AskedBy} containment=${containment} />` },
    ...[...voided_votes, ...votes].map(({ by, decision, time, digest }) => ({
      time,
      what: html`${decision === 'approve' ? 'Approved' : 'Denied'} by <${Who} of=${by} />${digest !== containment.digest && html` <span class="dim">(on earlier terms)</span>`}`,
    })),
  ];
  if (cancellation !== undefined) {
    entries.push({
      time: updated,
      what: html`Cancelled by <${Who} of=${cancellation.by} />: ${CANCELLED[cancellation.reason]}`,
    });
  }
  if (state === 'expired') entries.push({ time: updated, what: html`Expired` });
  if (execution !== undefined) {
    entries.push({ time: execution.started, what: html`Sent by <${Data} text=${execution.executor} most=${80} />` });
    if (execution.finished !== undefined) entries.push({ time: execution.finished, what: html`${STATES[state].name}` });
  }
  if (effect?.report !== undefined) {
    entries.push({
      time: effect.report.time,
      what: html`Effect: ${EFFECTS[effect.report.finding].name.toLowerCase()}`,
    });
  }
  if (resolution !== undefined) {
    const { by, took_effect, comment, time } = resolution;
    const found = took_effect ? 'it took effect' : 'it did not take effect';
    entries.push({ time, what: html`<${Who} of=${by} /> looked at the target: ${found}. <${Said} text=${comment} />` });
  }
  return entries.sort((a, b) => a.time - b.time);
}
