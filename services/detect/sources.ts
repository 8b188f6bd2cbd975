import { hashText } from '../../detectors/math/hash.ts';
import { hourOf } from '../../detectors/silence/silence.ts';
import { awayHours, markPulse, newPulse, passHours } from '../../detectors/silence/source.ts';
import type { CanonicalEvent } from '../../schemas/event.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import type { Hours, NamedPulse, Pulse, PulseKind, Pulses } from '../../schemas/pulse.ts';
import { UNRESOLVED } from '../../schemas/span.ts';
import { OUT_OF_WINDOW } from './flags.ts';
import type { IdentityState } from './identity.ts';

/**
 * How the sources and peer groups of one partition are heard of, on either clock. Counted from the records alone, whatever
 * state an identity is in, so it is the same in every run; part of the manifest.
 */
export class Sources {
  readonly #passed: { live: number; recorded: number };
  readonly #all: NamedPulse[];
  /** By name; looked up for every event, so no key is put together. */
  readonly #named = { live: emptyNames(), recorded: emptyNames() };

  constructor(from: Pulses | undefined) {
    this.#passed = { live: 0, recorded: 0, ...from?.passed };
    this.#all = (from?.all ?? []).map(copyOf);
    for (const one of this.#all) this.#names(one.of, one.recorded).set(one.name, one.pulse);
  }

  /** Time passes on one clock. Called for every record: all but the first of an hour cost a comparison. */
  pass(log_ms: number, recorded: boolean): void {
    const clock = recorded ? 'recorded' : 'live';
    const before = this.#passed[clock];
    if (log_ms <= before) return;
    this.#passed[clock] = log_ms;
    const hour = hourOf(log_ms);
    if (hour === hourOf(before)) return;
    const watched = log_ms - before <= LIMITS.unwatched_ms;
    for (const one of this.#all) if (one.recorded === recorded) passHours(one.pulse, hour, watched);
  }

  /** An accepted event: its source and its identity's peer group are heard of. */
  hear(event: CanonicalEvent, flags: number, state: IdentityState, group: string, recorded: boolean): void {
    const source = this.#pulse('source', event.origin, recorded);
    if (source === undefined) return;
    const passed = recorded ? this.#passed.recorded : this.#passed.live;
    if (event.time > source.newest) source.newest = Math.max(source.newest, Math.min(event.time, passed));
    const { tallies } = source;
    tallies.events++;
    if ((flags & OUT_OF_WINDOW) !== 0) tallies.late++;
    if (event.identity.id.startsWith(UNRESOLVED)) tallies.unresolved++;
    const { bytes_in, bytes_out, records } = event.volume;
    if (bytes_in === undefined && bytes_out === undefined && records === undefined) tallies.unsized++;
    // One mark an hour is enough, and to make it again changes nothing.
    const { marked } = state;
    if (marked?.hour === source.hour && marked.source === source && marked.group === group) return;
    state.marked = { hour: source.hour, source, group };
    const hash = hashText(state.key);
    markPulse(source, hash);
    const peers = this.#pulse('peer_group', group, recorded);
    if (peers !== undefined) markPulse(peers, hash);
  }

  /** Hours that do not count against an identity. */
  away(state: IdentityState): Hours[] {
    const { last, group, recorded } = state;
    const source = last === undefined ? undefined : this.#names('source', recorded).get(last.origin);
    const peers = this.#names('peer_group', recorded).get(group);
    return [source, peers].flatMap((pulse) => (pulse === undefined ? [] : awayHours(pulse)));
  }

  /** How its peer group is heard of in this partition. */
  peers({ group, recorded }: IdentityState): Pulse | undefined {
    return this.#names('peer_group', recorded).get(group);
  }

  /** Event time of the newest event of its source, and how much of a span source or peers were silent as well. */
  heardOf(
    state: IdentityState,
    span: { readonly from: number; readonly until: number },
  ): { readonly source_newest: number; readonly away_ms: number } {
    const { last, recorded } = state;
    const source = last === undefined ? undefined : this.#names('source', recorded).get(last.origin);
    return { source_newest: source?.newest ?? 0, away_ms: overlap(this.away(state), span) };
  }

  /** As it stands, to be kept: what is applied later does not change it. */
  snapshot(): Pulses {
    return { passed: { ...this.#passed }, all: this.#all.map(copyOf) };
  }

  /** As it stands, to be looked at. */
  get all(): readonly NamedPulse[] {
    return this.#all;
  }

  #names(of: PulseKind, recorded: boolean): Map<string, Pulse> {
    return this.#named[recorded ? 'recorded' : 'live'][of];
  }

  /** The pulse of that name, begun if need be; undefined beyond as many as there may be. */
  #pulse(of: PulseKind, name: string, recorded: boolean): Pulse | undefined {
    const names = this.#names(of, recorded);
    const known = names.get(name);
    if (known !== undefined || names.size >= LIMITS.pulses_max) return known;
    const pulse = { ...newPulse(), hour: hourOf(recorded ? this.#passed.recorded : this.#passed.live) };
    this.#all.push({ of, name, recorded, pulse });
    names.set(name, pulse);
    return pulse;
  }
}

const emptyNames = (): Readonly<Record<PulseKind, Map<string, Pulse>>> => ({
  source: new Map(),
  peer_group: new Map(),
});

/** Time of a span that lies in any of these hours. */
function overlap(hours: readonly Hours[], span: { readonly from: number; readonly until: number }): number {
  let sum = 0;
  let to = span.from;
  for (const one of hours.toSorted((a, b) => a.from - b.from)) {
    const from = Math.max(to, startOf(one.from));
    to = Math.max(to, Math.min(span.until, startOf(one.to)));
    sum += Math.max(0, to - from);
  }
  return sum;
}

/** `hour` as `hourOf` counts them. */
const startOf = (hour: number): number => (hour - 1) * UNITS.HOUR_MS;

function copyOf({ pulse, ...one }: NamedPulse): NamedPulse {
  const { marks, means, seen, heard, tallies } = pulse;
  const copy = {
    ...pulse,
    marks: [...marks],
    means: [...means],
    seen: [...seen],
    heard: [...heard],
    tallies: { ...tallies },
  };
  return { ...one, pulse: copy };
}
