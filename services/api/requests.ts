import type { z } from 'zod';
import type { Alert } from '../../schemas/alert.ts';
import type { RequestBody } from '../../schemas/api/requests.ts';
import type { CommandBody } from './commands.ts';
import { defined } from './defined.ts';

/** The command for an action that a person asks for because of an alert, with the alert as it was read just now. */
export function requestCommand(alert: Alert, body: z.output<typeof RequestBody>): CommandBody {
  const { uid, revision, severity, title, summary, evidence, tenant, identity } = alert;
  const { action, target, parameters, why, break_glass } = body;
  return {
    type: 'containment_request',
    alert_uid: uid,
    tenant,
    identity: identity.id,
    action,
    target,
    parameters,
    why,
    ...defined({ break_glass }),
    snapshot: { identity, alert: { uid, revision, severity, title, summary, evidence } },
  };
}
