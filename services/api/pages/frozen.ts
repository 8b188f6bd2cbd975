import type { Alert } from '../../../schemas/alert.ts';
import type { Containment, ContainmentTerms } from '../../../schemas/containment.ts';
import { StoreUnavailable } from '../../platform/store.ts';
import type { Ports } from '../ports.ts';
import { eventView } from '../views.ts';
import type { ContainmentPage, Frozen } from './containment-view.ts';

/** The alert as the terms are bound to it, with its events, and as it is now. What the store cannot say, a page says. */
export async function readFrozen(
  { terms }: Containment,
  ports: Pick<Ports, 'store' | 'detect'>,
): Promise<Pick<ContainmentPage, 'frozen' | 'newer'>> {
  const { uid, revision } = terms.alert;
  try {
    const alert = await ports.store.readAlert(terms.tenant, uid, revision);
    const latest = await ports.store.readAlert(terms.tenant, uid);
    const newer = latest !== undefined && latest.revision > revision ? { newer: latest } : {};
    if (alert === undefined) return { frozen: { kind: 'absent', why: NOT_STORED }, ...newer };
    return { frozen: await withEvidence(alert, terms, ports), ...newer };
  } catch (error) {
    if (error instanceof StoreUnavailable) return { frozen: { kind: 'absent', why: NO_ANSWER } };
    throw error;
  }
}

const NOT_STORED =
  'The store does not have this revision of the alert (yet, or any more), so its findings and events cannot be shown. What a vote is bound to stands above.';
const NO_ANSWER =
  'The store does not answer now, so findings and events cannot be shown. What a vote is bound to stands above.';

async function withEvidence(
  alert: Alert,
  terms: ContainmentTerms,
  { store, detect }: Pick<Ports, 'store' | 'detect'>,
): Promise<Frozen> {
  const { evidence } = await store.readAlertEvidence(alert, { context_max: 0 });
  return {
    kind: 'read',
    alert,
    evidence: evidence.map((event) => eventView(event, detect.detectors)),
    agrees: agree(alert, terms),
  };
}

/** Whether a stored alert is what the terms were made of, as far as the terms hold it. */
export function agree(alert: Alert, { alert: bound, identity }: ContainmentTerms): boolean {
  const same = (a: string, b: string): boolean => a.toWellFormed() === b.toWellFormed();
  return (
    same(alert.title, bound.title) &&
    same(alert.summary, bound.summary) &&
    same(alert.identity.id, identity.id) &&
    alert.severity === bound.severity &&
    alert.evidence.length === bound.evidence.length &&
    alert.evidence.every(({ key, time }, index) => {
      const other = bound.evidence[index];
      return other !== undefined && other.key === key && other.time === time;
    })
  );
}
