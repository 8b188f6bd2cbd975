import { z } from 'zod';
import { ContainmentPreview } from '../../../schemas/api/preview.ts';
import { type Containment, ContainmentId } from '../../../schemas/containment.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { BlastRequest } from '../../platform/store.ts';
import { defined } from '../defined.ts';
import { refuseAs } from '../errors.ts';
import type { PlannedOrder, Ports } from '../ports.ts';
import { READERS, type Route, route } from '../route.ts';
import { executorView } from '../views.ts';

const preview = route({
  method: 'GET',
  url: '/v1/containments/:id/preview',
  access: READERS,
  tag: 'containments',
  summary: 'What a containment would send, and what it would touch',
  params: z.object({ id: ContainmentId }),
  answer: ContainmentPreview,
  async handle({ params, context: { ports } }) {
    const containment = ports.control.state.containments.get(params.id);
    if (containment === undefined) {
      return refuseAs('unknown_containment', 'no containment has this id', {
        remedy: 'look for it with GET /v1/containments; ended ones are kept for a while only',
      });
    }
    return previewOf(containment, ports);
  },
});

export const previews: readonly Route[] = [preview];

/** What an approver looks at before voting: what would be sent, and what our own data say that it would touch. */
export async function previewOf(containment: Containment, ports: Ports): Promise<ContainmentPreview> {
  const { id, digest } = containment;
  const planned = ports.plan(containment);
  const blast_radius = await ports.store.readBlastRadius(blastRequest(containment, ports));
  return {
    containment: id,
    digest,
    ...defined({ order: planned, blast_radius }),
    message: messageOf(containment, planned, ports),
  };
}

/** The field of an event by which each action would have stopped it. */
const FIELDS: Readonly<
  Record<Containment['terms']['recommendation']['action'], NonNullable<BlastRequest['target']>['field']>
> = {
  restrict_tool: 'tool',
  restrict_data_class: 'classification',
  quarantine_session: 'session',
  revoke_credential: 'credential',
  suspend_agent: 'identity',
};

function blastRequest({ terms }: Containment, { clock }: Ports): BlastRequest {
  const { action, target } = terms.recommendation;
  return {
    tenant: terms.tenant,
    identity: terms.identity.id,
    target: { field: FIELDS[action], value: target },
    open_since: clock.now() - LIMITS.session_idle_ms,
  };
}

/** Who would carry it out, and when this process cannot say. */
function messageOf({ terms }: Containment, planned: PlannedOrder | undefined, { control }: Ports): string {
  const told = executorView(control.state);
  if (told.state !== 'configured') return told.message;
  if (planned !== undefined) {
    const known = control.state.responder?.executors.includes(planned.executor) === true;
    if (known) return `it would be carried out by ${planned.executor}`;
    return `${planned.executor} is configured here, and not where it would be carried out: it would not be executed`;
  }
  if (terms.executor === undefined) return 'no executor can carry out such an order: approved, it would expire';
  return `it would be carried out by ${terms.executor}, which the configuration of this process does not name`;
}
