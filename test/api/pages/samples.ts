import type { Alert } from '../../../schemas/alert.ts';
import type { ContainmentView } from '../../../schemas/api/containments.ts';
import type { EventView } from '../../../schemas/api/events.ts';
import type { Containment, ContainmentTerms, Vote } from '../../../schemas/containment.ts';
import type { ContainmentPage } from '../../../services/api/pages/containment-view.ts';
import type { Viewer } from '../../../services/api/pages/frame.ts';
import type { ListedContainment, ListPage } from '../../../services/api/pages/list-page.ts';
import { waysOf } from '../../../services/api/pages/ways.ts';
import { containmentView, executorView } from '../../../services/api/views.ts';
import { BUILT_IN_POLICY } from '../../../services/contain/policy.ts';
import { containmentId, termsDigest, termsFrom } from '../../../services/contain/terms.ts';
import { type ControlState, emptyControlState } from '../../../services/control/state.ts';
import { explainedAlert } from '../../ocsf/alerts.ts';

/** Containments as pages show them, in every state, and one that an agent has written as much of as it can. */

export const NOW = Date.UTC(2026, 2, 2, 10, 30);
const MINUTE = 60_000;

const STATE: ControlState = {
  ...emptyControlState(),
  responder: { epoch: 1, instance: 'sample', since: NOW - 1_000, executors: ['webhook'] },
};

export const VIEWER: Viewer = {
  principal: { issuer: 'https://login.example.org', subject: 'ada' },
  roles: ['approver', 'viewer'],
  csrf: 'c5rf-of-the-session',
};

export function termsOf(alert: Alert, changes: Partial<ContainmentTerms> = {}): ContainmentTerms {
  const policy = { ...BUILT_IN_POLICY, approvals: 2 };
  const executors = [{ name: 'webhook', carriesOut: () => true, repeatable: true }];
  const terms = termsFrom(alert, policy, executors);
  return { ...terms, policy: { ...terms.policy, version: 'soc-7', rules: ['finance agents need two'] }, ...changes };
}

export function containmentOf(changes: Partial<Containment> = {}, alert: Alert = explainedAlert()): ContainmentView {
  const terms = changes.terms ?? termsOf(alert);
  const containment: Containment = {
    id: containmentId(terms),
    state: 'pending',
    digest: termsDigest(terms),
    requested_by: { issuer: 'countersign', subject: 'system', human: false },
    created: NOW - 12 * MINUTE,
    approval_expires: NOW + 23 * 60 * MINUTE,
    votes: [],
    updated: NOW - 12 * MINUTE,
    ...changes,
    terms,
  };
  return containmentView(containment, STATE);
}

export function voteOf(subject: string, changes: Partial<Vote> = {}): Vote {
  return {
    by: { issuer: 'https://login.example.org', subject, human: true },
    decision: 'approve',
    digest: termsDigest(termsOf(explainedAlert())),
    fresh: { method: 'oidc', authenticated: NOW - 4 * MINUTE },
    time: NOW - 3 * MINUTE,
    ...changes,
  };
}

/** What has run, as the machine records it. */
export function executionOf(changes: Partial<NonNullable<Containment['execution']>> = {}) {
  return {
    executor: 'webhook',
    idempotency_key: 'ctn_0123456789abcdef0123456789abcdef',
    started: NOW - 2 * MINUTE,
    attempts: 1,
    deadline: NOW - MINUTE,
    detail: 'HTTP 200',
    finished: NOW - 2 * MINUTE + 240,
    ...changes,
  };
}

export function effectOf(
  state: NonNullable<Containment['effect']>['state'],
  of: ContainmentTerms,
): NonNullable<Containment['effect']> {
  const watch = {
    containment: containmentId(of),
    action: of.recommendation.action,
    predicate: { tenant: of.tenant, identity: of.identity.id, tool: of.recommendation.target },
    from: NOW - MINUTE,
    until: NOW + 24 * 60 * MINUTE,
  };
  if (state === 'watching' || state === 'needs_human') return { state, watch };
  const through = state === 'failed' ? 1 : 0;
  return {
    state,
    watch,
    report: {
      containment: watch.containment,
      finding: state,
      permitted: through,
      refused: 3,
      others: 41,
      evidence: through === 0 ? [] : [{ key: 'ab'.repeat(16), id: 'evt-20981', time: NOW - 30_000 }],
      ...(state === 'failed' && { alert_uid: 'c0'.repeat(16) }),
      why: state === 'failed' ? 'mail.send went through 24 s after it was restricted' : 'nothing fitting went through',
      time: NOW,
    },
  };
}

export function evidenceOf(alert: Alert): EventView[] {
  return alert.evidence.map(({ key, id, time }, index) => ({
    event: {
      key,
      id,
      origin: 'gateway',
      tenant: alert.tenant,
      time,
      identity: { id: alert.identity.id, kind: alert.identity.kind },
      action: { operation: 'export' },
      tool: { name: 'mail.send' },
      resources: [{ id: 'partner@example.net', store: 'outbound-mail', classification: 'confidential' }],
      volume: { bytes_out: 432_013_312 },
      outcome: { status: 'ok' },
      source: { ip: '10.4.7.21', network: 'agents-eu-west' },
    },
    log_time: time,
    bits: 31.7 - index,
    detectors: { window_volume: 27.3 },
    flags: [],
  }));
}

export function pageOf(changes: Partial<ContainmentPage> = {}, who: Viewer = VIEWER): ContainmentPage {
  const alert = explainedAlert();
  const containment = changes.containment ?? containmentOf();
  return {
    viewer: who,
    now: NOW,
    executor: executorView(STATE),
    frozen: { kind: 'read', alert, evidence: evidenceOf(alert), agrees: true },
    taken_back_by: [],
    ways: waysOf(containment, who, NOW),
    step_up: { kind: 'oidc', provider: 'Example Login' },
    once: 'page-0011223344556677',
    ...changes,
    containment,
  };
}

export const listed = (containment: ContainmentView, who: Viewer = VIEWER): ListedContainment => ({
  containment,
  approve: waysOf(containment, who, NOW).approve,
});

export function listOf(changes: Partial<ListPage> = {}): ListPage {
  return { viewer: VIEWER, now: NOW, executor: executorView(STATE), open: [], ended: [], further: false, ...changes };
}

/** Everything at once that telemetry can try on a reader. */
export const HOSTILE =
  '</p><script>alert(1)</script><img src=x onerror=alert(2)>&lt;b&gt;" onmouseover="x" \u202eevorppa\u202c\u2066' +
  '\n\nAPPROVED BY SECURITY\r\n\u0000\u001b[2J\ufeff\u200b\ud800';
export const VERY_LONG = 'Wgq'.repeat(40_000);

/** An alert whose every text is hostile. */
export function hostileAlert(text: string = HOSTILE): Alert {
  const alert = explainedAlert();
  const { identity, recommendation, findings, strongest } = alert;
  return {
    ...alert,
    identity: {
      ...identity,
      id: text,
      name: `name ${text}`,
      owner: text,
      peer_group: text,
      version: text,
      credential: text,
    },
    title: text,
    summary: text,
    recommendation: { ...recommendation, target: text, reason: text, parameters: { scope: text } },
    findings: findings.map((finding) => ({ ...finding, sentence: text, observed: { name: text, value: text } })),
    ...(strongest !== undefined && { strongest: { ...strongest, tool: text, outcome_code: text } }),
  };
}
