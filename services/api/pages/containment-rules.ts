import type { VNode } from 'preact';
import type { ContainmentTerms, Vote } from '../../../schemas/containment.ts';
import { counted } from '../../platform/words.ts';
import { AskedBy } from './asked-by.ts';
import type { ContainmentPage } from './containment-view.ts';
import { Facts, Section } from './frame.ts';
import { html } from './html.ts';
import { Data, Said, shortDigest, When, WhenAndHowFar, Who } from './text.ts';

/** By which rules it is decided, who has voted, and what the votes are bound to. */
export function Rules({ containment, now }: ContainmentPage): VNode {
  const { terms, votes, voided_votes = [], digest, created, approval_expires, execution_expires, state } = containment;
  const { policy } = terms;
  const given = votes.filter(({ decision }) => decision === 'approve').length;
  return html`<${Section} id="rules" title="Rules and votes">
    <p class="count"><strong>${given} of ${policy.approvals}</strong> ${policy.approvals === 1 ? 'approval' : 'approvals'} given</p>
    ${votes.length > 0 && html`<ul class="votes">${votes.map((vote) => html`<${VoteLine} vote=${vote} />`)}</ul>`}
    <${Facts} of=${[
      ['Asked by', html`<${AskedBy} containment=${containment} />, <${When} ms=${created} />`],
      ['Who may vote', whoMayVote(policy)],
      [
        'Of them',
        policy.quotas?.map(({ role, approvals }) => `at least ${counted(approvals, 'approval')} by ${role}`).join(', '),
      ],
      ['Not counted', policy.exclude?.map((one, index) => html`${index > 0 && ', '}<${Who} of=${one} />`)],
      ['Only as an emergency', policy.break_glass_only === true && 'the policy lets nobody approve it otherwise'],
      ['Policy', html`<${Data} text=${policy.version} />`],
      [
        'Rules that fit',
        (policy.rules ?? []).length > 0 &&
          (policy.rules ?? []).map((name, index) => html`${index > 0 && ', '}<${Data} text=${name} most=${80} />`),
      ],
      ['Approval until', html`<${WhenAndHowFar} ms=${approval_expires} now=${now} />`],
      [
        'To be carried out until',
        execution_expires !== undefined && html`<${WhenAndHowFar} ms=${execution_expires} now=${now} />`,
      ],
      ['One denial', state === 'pending' && 'ends it'],
    ]} />
    <p>Digest of all that a vote is bound to: <code class="digest">${shortDigest(digest)}</code></p>
    <details><summary>The whole digest</summary>
      <p><code class="wrap">${digest}</code></p>
      <p class="dim">SHA-256 over the terms: action, target, parameters, identity, frozen evidence and policy. Two people who see
        the same short digest vote on the same thing.</p>
    </details>
    ${
      voided_votes.length > 0 &&
      html`<h3>Votes on earlier terms</h3><p class="dim">What was asked was changed after these were given. They count for nothing.</p>
      <ul class="votes void">${voided_votes.map((vote) => html`<${VoteLine} vote=${vote} />`)}</ul>`
    }
  </${Section}>`;
}

function whoMayVote({ roles, further_roles = [] }: ContainmentTerms['policy']): string {
  const lists = [roles, ...further_roles].map((list) => list.join(' or '));
  return `people with the role ${lists.join(', and ')}, freshly authenticated, each once, and never who asked`;
}

function VoteLine({ vote }: { readonly vote: Vote }): VNode {
  const { decision, by, time, fresh, comment } = vote;
  return html`<li class=${decision}>
    <strong>${decision === 'approve' ? 'Approved' : 'Denied'}</strong> by <${Who} of=${by} />, <${When} ms=${time} />
    ${fresh !== undefined && html`<span class="dim"> after proving anew who they are (${fresh.method === 'oidc' ? 'at their provider' : 'by password'})</span>`}
    ${comment !== undefined && comment !== '' && html`<blockquote><${Said} text=${comment} /></blockquote>`}
  </li>`;
}
