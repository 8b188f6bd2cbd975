import { sensitivityOf } from '../../detectors/features.ts';
import type { Alert } from '../../schemas/alert.ts';
import type { Impact, StrongestEvent } from '../../schemas/alert-facts.ts';
import type { CanonicalEvent, Resource } from '../../schemas/event.ts';
import type { Contribution } from '../../schemas/finding.ts';

const NONE: Impact = { events: 0, refused: 0, failed: 0, operations: [], bytes_out: 0, records: 0 };

/** The event at hand and what each detector made of its score; absent where what was found is not about an event. */
export type EventFacts = {
  readonly event?: CanonicalEvent;
  readonly contributions?: readonly Contribution[];
  /** Of 1,000 identity-days of the fleet, how many reach such a score. */
  readonly reached_per_1000?: number | undefined;
};

/** The facts of an alert once what is at hand belongs to it: of the strongest event, and of all of them together. */
export function factsOf(
  before: Alert | undefined,
  at_hand: EventFacts & { readonly bits: number; readonly alert_bits: number },
): Pick<Alert, 'bits'> &
  Partial<Pick<Alert, 'alert_bits' | 'reached_per_1000' | 'contributions' | 'strongest' | 'impact'>> {
  const { event, bits, alert_bits, contributions, reached_per_1000 } = at_hand;
  const impact = defined({ impact: event === undefined ? before?.impact : addImpact(before?.impact, event) });
  const most = Math.max(bits, before?.bits ?? 0);
  if (before !== undefined && (event === undefined || bits <= before.bits)) {
    const { alert_bits: needed, reached_per_1000: reached, contributions: made, strongest } = before;
    const kept = defined({ alert_bits: needed, reached_per_1000: reached, contributions: made, strongest });
    return { bits: most, ...kept, ...impact };
  }
  const strongest = event === undefined ? undefined : strongestEvent(event);
  const made = contributions === undefined ? undefined : [...contributions];
  const reached = reached_per_1000 === undefined ? undefined : Math.round(reached_per_1000 * 100) / 100;
  const known = defined({ reached_per_1000: reached, contributions: made, strongest });
  return { bits: most, alert_bits, ...known, ...impact };
}

/** The impact of an alert once one more surprising event belongs to it. */
function addImpact(before: Impact | undefined, event: CanonicalEvent): Impact {
  const sum = before ?? NONE;
  const { status } = event.outcome;
  const events = sum.events + 1;
  if (status === 'denied') return { ...sum, events, refused: sum.refused + 1 };
  if (status === 'error') return { ...sum, events, failed: sum.failed + 1 };
  const { operation } = event.action;
  const classification = moreSensitive(sum.classification, mostSensitive(event.resources)?.classification);
  return {
    ...sum,
    events,
    operations: sum.operations.includes(operation) ? sum.operations : [...sum.operations, operation],
    ...(classification === undefined ? {} : { classification }),
    bytes_out: sum.bytes_out + (event.volume.bytes_out ?? 0),
    records: sum.records + (event.volume.records ?? 0),
  };
}

function moreSensitive(one: string | undefined, other: string | undefined): string | undefined {
  return sensitivityOf(other) > sensitivityOf(one) ? other : one;
}

function mostSensitive(resources: readonly Resource[]): Resource | undefined {
  let most = resources[0];
  for (const resource of resources) {
    if (sensitivityOf(resource.classification) > sensitivityOf(most?.classification)) most = resource;
  }
  return most;
}

function strongestEvent(event: CanonicalEvent): StrongestEvent {
  const { volume, outcome, source } = event;
  const tool = event.tool?.name ?? event.action.name;
  const most = mostSensitive(event.resources);
  return {
    key: event.key,
    id: event.id,
    time: event.time,
    ...defined({ session: event.session }),
    operation: event.action.operation,
    ...defined({ tool }),
    ...(most === undefined
      ? {}
      : { resource: { id: most.id, ...defined({ store: most.store, classification: most.classification }) } }),
    resources: event.resources.length,
    ...defined({ bytes_in: volume.bytes_in, bytes_out: volume.bytes_out, records: volume.records }),
    outcome: outcome.status,
    ...defined({ outcome_code: outcome.code }),
    ...(source === undefined
      ? {}
      : { source: defined({ ip: source.ip, network: source.network, workload: source.workload }) }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined: absent is absent. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
