import { z } from 'zod';
import { SEVERITIES, Severity } from '../../../schemas/alert.ts';
import {
  AlertAnswer,
  AlertPage,
  OcsfPage,
  UndoAnswer,
  UndoBody,
  VerdictAnswer,
  VerdictBody,
} from '../../../schemas/api/alerts.ts';
import { CursorText, IdentityId, Limit, TenantName, TimeMs } from '../../../schemas/api/shared.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { OcsfDetectionFinding } from '../../../schemas/ocsf/detection-finding.ts';
import { toOcsf } from '../../../schemas/ocsf/to-ocsf.ts';
import type { Judgement } from '../../control/directives.ts';
import { command } from '../commands.ts';
import { defined } from '../defined.ts';
import { directivesAround, groupOf, leftBehind, matchesOf } from '../directives.ts';
import { Refused, refuse, refuseAs } from '../errors.ts';
import { streamAlerts } from '../event-stream.ts';
import { explanationOf } from '../explanation.ts';
import { keyset } from '../keyset.ts';
import { callerOf, READERS, type Route, route } from '../route.ts';
import { containmentView, eventView, executorView } from '../views.ts';

const Uid = z.object({ uid: z.string().min(1).max(LIMITS.id_chars_max) });
const Format = z.enum(['native', 'ocsf']).default('native');
const SEVERITY_LIST = new RegExp(`^(${SEVERITIES.join('|')})(,(${SEVERITIES.join('|')}))*$`);

const ListQuery = z.strictObject({
  tenant: TenantName,
  status: z.enum(['open', 'closed']).optional(),
  /** One or several, with commas. */
  severity: z
    .string()
    .max(64)
    .regex(SEVERITY_LIST, `is one or several of ${SEVERITIES.join(',')}`)
    .optional(),
  identity: IdentityId.optional(),
  /** Updated at this log time or later, epoch milliseconds. */
  since: TimeMs.optional(),
  until: TimeMs.optional(),
  /** `oldest_first` never skips an alert that changes while it is being paged through. */
  order: z.enum(['newest_first', 'oldest_first']).default('newest_first'),
  format: Format,
  limit: Limit.default(50),
  cursor: CursorText.optional(),
});

const cursors = {
  newest_first: keyset('alerts', z.object({ updated: z.int(), uid: z.string() })),
  oldest_first: keyset('alerts-oldest', z.object({ updated: z.int(), uid: z.string() })),
};

const list = route({
  method: 'GET',
  url: '/v1/alerts',
  access: READERS,
  tag: 'alerts',
  summary: 'Alerts in their latest revision, filtered, page by page',
  query: ListQuery,
  answer: z.union([AlertPage, OcsfPage]),
  async handle({ query, context }) {
    const { tenant, status, severity, identity, since, until, order, limit } = query;
    const after = cursors[order].decode(query.cursor);
    if (after instanceof Refused) return after;
    const severities = severity?.split(',').map((one) => Severity.parse(one));
    const filter = { tenant, ...defined({ status, severities, identity, since, until }) };
    const asked = { limit, order, ...defined({ after }) };
    const page = await context.ports.store.listAlerts(filter, asked);
    const next = page.next === undefined ? {} : { next_cursor: cursors[order].encode(page.next) };
    if (query.format === 'ocsf') return { items: page.items.map(toOcsf), ...next };
    return { items: [...page.items], ...next };
  },
});

const one = route({
  method: 'GET',
  url: '/v1/alerts/:uid',
  access: READERS,
  tag: 'alerts',
  summary: 'One alert with findings, evidence, containments and verdicts',
  params: Uid,
  query: z.strictObject({
    tenant: TenantName,
    format: Format,
    revision: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  }),
  answer: z.union([AlertAnswer, OcsfDetectionFinding]),
  async handle({ params: { uid }, query, context: { ports } }) {
    const { store, control, detect } = ports;
    const alert = await store.readAlert(query.tenant, uid, query.revision);
    if (alert === undefined) return unknownAlert();
    if (query.format === 'ocsf') return toOcsf(alert);
    const [rows, found] = [
      await store.readAlertFindings(alert, LIMITS.alert_findings_shown_max),
      await store.readAlertEvidence(alert, { context_max: LIMITS.alert_context_shown_max }),
    ];
    const [habit, nearest] = [await store.readAlertHabit(alert), await store.readNearestSession(alert)];
    const ids = control.state.byAlert.get(uid) ?? [];
    return {
      alert,
      findings: rows.map(({ finding }) => finding),
      evidence: found.evidence.map((event) => eventView(event, detect.detectors)),
      context: found.context.map((event) => eventView(event, detect.detectors)),
      containments: ids.flatMap((id) => {
        const containment = control.state.containments.get(id);
        return containment === undefined ? [] : [containmentView(containment, control.state)];
      }),
      executor: executorView(control.state),
      verdicts: [...(control.state.verdicts.get(uid) ?? [])],
      ...defined({ habit, nearest }),
      explanation: explanationOf(alert, habit, nearest),
      directives: directivesAround(alert, ports),
    };
  },
});

const verdict = route({
  method: 'POST',
  url: '/v1/alerts/:uid/verdict',
  access: ['analyst'],
  tag: 'alerts',
  summary: 'Judge an alert; a harmless one ends what waits for approval because of it',
  params: Uid,
  query: z.strictObject({ tenant: TenantName }),
  body: VerdictBody,
  answer: VerdictAnswer,
  async handle(asked) {
    const { params, query, body, context } = asked;
    const alert = await context.ports.store.readAlert(query.tenant, params.uid);
    if (alert === undefined) return unknownAlert();
    const { scope, for_ms } = body;
    const matches = matchesOf(alert.findings);
    const refused = await command(asked, callerOf(asked), {
      type: 'verdict',
      alert_uid: alert.uid,
      tenant: alert.tenant,
      identity: alert.identity.id,
      verdict: body.verdict,
      ...defined({ comment: body.comment }),
      ...(scope !== 'alert' && { scope, ...defined({ for_ms }) }),
      ...(scope !== 'alert' && matches.length > 0 && { about: { peer_group: groupOf(alert.identity), matches } }),
    });
    if (refused !== undefined) return refused;
    const left = scope === 'alert' ? undefined : leftBehind(alert.uid, context.ports);
    return { alert_uid: alert.uid, verdict: body.verdict, ...defined({ directive: left }) };
  },
});

const undo = route({
  method: 'POST',
  url: '/v1/alerts/:uid/verdict/undo',
  access: ['analyst'],
  tag: 'alerts',
  summary: 'Withdraw the last verdict on an alert, and end what it left behind; what was learned stays learned',
  params: Uid,
  query: z.strictObject({ tenant: TenantName }),
  body: UndoBody,
  answer: UndoAnswer,
  async handle(asked) {
    const { params, query, body, context } = asked;
    const judged = (): readonly Judgement[] => context.ports.control.state.verdicts.get(params.uid) ?? [];
    if (judged().some(({ tenant }) => tenant !== query.tenant)) return unknownAlert();
    const { reason } = body;
    const refused = await command(asked, callerOf(asked), { type: 'verdict_undo', alert_uid: params.uid, reason });
    if (refused !== undefined) return refused;
    const undone = judged().findLast((verdict) => verdict.undone !== undefined);
    if (undone === undefined) return refuseAs('nothing_to_undo', 'the verdict was withdrawn long ago');
    return { alert_uid: params.uid, verdict: undone };
  },
});

const stream = route({
  method: 'GET',
  url: '/v1/alerts/stream',
  access: READERS,
  tag: 'alerts',
  summary: 'Server-sent events: alert revisions as they come, resumed by Last-Event-ID',
  query: z.strictObject({
    tenant: TenantName.optional(),
    status: z.enum(['open', 'closed']).optional(),
    severity_min: Severity.optional(),
    identity: IdentityId.optional(),
    format: Format,
    /** Where to begin without Last-Event-ID: with what comes from now on, or with the oldest that is kept. */
    from: z.enum(['now', 'start']).default('now'),
    cursor: CursorText.optional(),
  }),
  produces: 'text/event-stream',
  handle: (asked) => streamAlerts(asked, callerOf(asked), READERS),
});

export const alerts: readonly Route[] = [list, stream, one, verdict, undo];

function unknownAlert(): Refused {
  return refuse('alert_unknown', { remedy: 'look for it with GET /v1/alerts; a new one takes a moment to be stored' });
}
