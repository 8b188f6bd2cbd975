import { z } from 'zod';
import { LIMITS } from '../../../schemas/limits.ts';
import { defined } from '../defined.ts';
import { Refused, refuse, STATUS_OF } from '../errors.ts';
import { requestCommand } from '../requests.ts';
import type { Route } from '../route.ts';
import { parametersOf, RequestForm } from './forms.ts';
import type { Problem } from './frame.ts';
import { ask, mintOnce, page, personOf } from './page-route.ts';
import { requestPage } from './request-page.ts';
import { problemFrom, sendPage } from './send.ts';

const ASKERS = ['analyst', 'approver'] as const;

const form = page({
  method: 'GET',
  url: '/containments/new',
  access: ASKERS,
  summary: 'A form to ask for a containment because of an alert',
  query: z.object({
    alert: z.string().min(1).max(LIMITS.id_chars_max),
    tenant: z.string().min(1).max(LIMITS.id_chars_max).default('default'),
  }),
  async handle(asked) {
    const person = personOf(asked);
    if (person instanceof Refused) return person;
    const { ports } = asked.context;
    const alert = await ports.store.readAlert(asked.query.tenant, asked.query.alert);
    if (alert === undefined) return unknownAlert();
    return sendPage(asked.reply, requestPage({ viewer: person.viewer, alert, once: mintOnce(ports.randomBytes) }));
  },
});

const request = page({
  method: 'POST',
  url: '/containments',
  access: ASKERS,
  summary: 'Ask for a containment; approvers are shown the alert as it was when it was asked for',
  body: RequestForm,
  async handle(asked) {
    const person = personOf(asked);
    if (person instanceof Refused) return person;
    const { ports } = asked.context;
    const { once, alert: uid, tenant, revision, action, target, why, break_glass } = asked.body;
    // The revision that the page has shown: what has come since, whoever asks has not read.
    const alert = await ports.store.readAlert(tenant, uid, revision);
    if (alert === undefined) return unknownAlert();
    const emergency = break_glass === 'yes' ? { break_glass: { why } } : {};
    const parameters = parametersOf(asked.body);
    const wanted = { alert_uid: uid, tenant, action, target, parameters, why, ...emergency };
    const done = await ask(asked, person, { once, body: requestCommand(alert, wanted) });
    if (!(done instanceof Refused)) return asked.reply.redirect(`/containments/${done.subject}`, 303);
    ports.telemetry.occurred('requests_refused', { code: done.code }, { request: asked.request.id });
    const problem: Problem = problemFrom(done);
    const given = { action, target, parameters, why };
    return sendPage(
      asked.reply,
      requestPage({ viewer: person.viewer, alert, once: mintOnce(ports.randomBytes), ...defined({ problem, given }) }),
      { status: STATUS_OF[done.code] },
    );
  },
});

export const requestPages: readonly Route[] = [form, request];

function unknownAlert(): Refused {
  return refuse('alert_unknown', { remedy: 'a new alert takes a moment to be stored; load the page again' });
}
