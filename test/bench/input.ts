import { readFileSync } from 'node:fs';
import type { EventInput } from '../../schemas/event.ts';
import { UNITS } from '../../schemas/limits.ts';
import { emptyCatalogue } from '../../services/ingest/catalogue.ts';
import type { DecideContext, Item } from '../../services/ingest/core.ts';
import { normalisersOf } from '../../services/ingest/formats.ts';
import { loadMapping } from '../../services/ingest/load.ts';
import { simulateFleet } from '../../services/simulate/simulate.ts';

const SEED = 1;
/** A Thursday: the weekend falls into the history, and busy days into what is measured. */
const START_MS = Date.UTC(2026, 0, 8);
const MAPPING = new URL('../../deploy/examples/mappings/agent-traces.yaml', import.meta.url);

/** A simulated fleet, and which of its events are history and which are measured. */
export type Fleet = {
  readonly identities: number;
  readonly days: number;
  readonly history_events: number;
  readonly events: number;
};

/** One simulated fleet as the bytes that a source would send, with the recorded time and the identity of each event. */
export type Input = {
  readonly items: readonly Item[];
  readonly times: readonly number[];
  readonly identities: readonly string[];
  readonly bytes: number;
};

type Span = { readonly from: number; readonly to: number };

/** Canonical JSON, one item an event, in time order: the events that are measured. */
export function canonicalInput(size: Fleet): Input {
  return inputOf(size, measuredSpan(size), (event) => JSON.stringify(event));
}

/** What came before them. */
export function canonicalHistory(size: Fleet): Input {
  return inputOf(size, { from: 0, to: size.history_events }, (event) => JSON.stringify(event));
}

/** The measured calls as flat records, as the example mapping reads them. */
export function mappedInput(size: Fleet): Input {
  return inputOf(size, measuredSpan(size), (event, time_ms) => JSON.stringify(flatRecord(event, time_ms)));
}

/** The measured events themselves. */
export function measuredEvents(size: Fleet): EventInput[] {
  const events: EventInput[] = [];
  inputOf(size, measuredSpan(size), (event) => {
    events.push(event);
    return '';
  });
  return events;
}

function measuredSpan({ history_events, events }: Fleet): Span {
  return { from: history_events, to: history_events + events };
}

export function contextFor(format: 'canonical' | 'mapped'): DecideContext {
  const loaded = loadMapping(readFileSync(MAPPING, 'utf8'), 'agent-traces.yaml');
  if (!loaded.ok) throw new Error('the example mapping does not load');
  return {
    formats: normalisersOf(format, [loaded.value]),
    catalogue: emptyCatalogue(),
    origin: 'bench',
    tenant: 'default',
    now_ms: START_MS,
  };
}

function inputOf(size: Fleet, { from, to }: Span, write: (event: EventInput, time_ms: number) => string): Input {
  const items: Item[] = [];
  const times: number[] = [];
  const identities: string[] = [];
  let [bytes, index] = [0, 0];
  for (const simulated of simulateFleet({ ...size, seed: SEED, start_ms: START_MS })) {
    if (index === to || simulated.kind !== 'event') break;
    if (index++ < from) continue;
    const item = Buffer.from(write(simulated.event, simulated.time_ms), 'utf8');
    items.push({ bytes: item, position: `bench:${index}` });
    times.push(simulated.time_ms);
    identities.push(simulated.event.identity.id);
    bytes += item.length;
  }
  if (items.length !== to - from) throw new Error(`the fleet has ${index} events, not ${to}`);
  return { items: contiguous(items), times, identities, bytes };
}

/** Items as views of one buffer, as they come from a file or a request. */
function contiguous(items: readonly Item[]): Item[] {
  const whole = Buffer.concat(items.map(({ bytes }) => bytes));
  let at = 0;
  return items.map(({ bytes, position }) => {
    at += bytes.length;
    return { bytes: whole.subarray(at - bytes.length, at), position };
  });
}

function flatRecord(event: EventInput, time_ms: number): Record<string, unknown> {
  const { id, identity, session, tool, action, volume, outcome, source } = event;
  const touched = event.resources ?? (event.resource === undefined ? [] : [event.resource]);
  const names = touched.map((resource) => `${resource.kind ?? 'resource'}:${resource.id}`);
  return {
    id,
    ts: new Date(time_ms).toISOString(),
    identity: identity.id,
    session,
    tool: tool?.name,
    op: action?.operation,
    resource: names[0],
    resources: names,
    args_bytes: volume?.bytes_in,
    bytes_out: volume?.bytes_out,
    rows: volume?.records,
    data_class: touched[0]?.classification,
    outcome: outcome?.status,
    src: source?.ip,
  };
}

/** Ticks of recorded time come this often, as in a replay. */
export const TICK_MS = 10 * UNITS.MINUTE_MS;
