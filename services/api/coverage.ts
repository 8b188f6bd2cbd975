import { type CoverageFacts, coverageOf, type StateFacts } from '../../detectors/coverage.ts';
import { silentSince } from '../../detectors/silence/source.ts';
import type { Coverage } from '../../schemas/coverage.ts';
import { LIMITS, UNITS } from '../../schemas/limits.ts';
import type { NamedPulse, PulseKind, Tallies } from '../../schemas/pulse.ts';
import { UNRESOLVED } from '../../schemas/span.ts';

/** Coverage of one identity from what its state says and what is counted of its events. */
export function identityCoverage(
  identity: string,
  states: ReadonlyMap<string, StateFacts>,
  counted: CoverageFacts['counted'],
  muted: string | undefined,
): Coverage[] {
  return coverageOf({ state: states.get(identity), counted, unresolved: identity.startsWith(UNRESOLVED), muted });
}

/** What is lost of the coverage of many identities at once. The code is stable. */
export type CoverageWarning = { readonly code: CoverageCode; readonly message: string };
export const COVERAGE_CODES = [
  'source_silent',
  'peer_group_silent',
  'events_late',
  'events_unresolved',
  'sizes_unknown',
] as const;
type CoverageCode = (typeof COVERAGE_CODES)[number];

/** A source or peer group over all partitions. */
export type PulseSum = {
  readonly of: PulseKind;
  readonly name: string;
  readonly recorded: boolean;
  /** Partitions in which it was ever heard of, and those in which it is silent now, and since when, epoch milliseconds. */
  readonly partitions: number;
  readonly silent: number;
  readonly silent_ms: number | undefined;
  readonly tallies: Tallies;
};

export function sumPulses(partitions: readonly { readonly pulses: readonly NamedPulse[] }[]): PulseSum[] {
  const all = partitions.flatMap(({ pulses }) => pulses);
  const byName = Map.groupBy(all, ({ of, name, recorded }) => `${of}${recorded}${name}`);
  return [...byName.values()].map((same) => {
    const { of, name, recorded } = same[0] as NamedPulse;
    const since = same.flatMap(({ pulse }) => silentSince(pulse) ?? []);
    const sum = (what: keyof Tallies): number => same.reduce((total, { pulse }) => total + pulse.tallies[what], 0);
    return {
      of,
      name,
      recorded,
      partitions: same.length,
      silent: since.length,
      silent_ms: since.length === 0 ? undefined : (Math.min(...since) - 1) * UNITS.HOUR_MS,
      tallies: { events: sum('events'), late: sum('late'), unresolved: sum('unresolved'), unsized: sum('unsized') },
    };
  });
}

/** What an operator should know, in the order of sources; empty when all is heard of as usual. */
export function coverageWarnings(sums: readonly PulseSum[]): CoverageWarning[] {
  return sums.flatMap((sum) => [...silenceOf(sum), ...(sum.of === 'source' ? sharesOf(sum) : [])]);
}

function silenceOf({ of, name, recorded, partitions, silent, silent_ms }: PulseSum): CoverageWarning[] {
  if (silent_ms === undefined) return [];
  const what = of === 'source' ? `source ${name}` : `peer group ${name.slice(name.indexOf('\u0000') + 1)}`;
  const where = silent === partitions ? '' : `, in ${silent} of ${partitions} partitions`;
  const since = new Date(silent_ms).toISOString();
  const message =
    `many identities of ${what}${recorded ? ' (recorded)' : ''} fell silent together, since ${since}${where}: ` +
    'look at the source and its road to here; its identities are not judged for their silence meanwhile';
  return [{ code: of === 'source' ? 'source_silent' : 'peer_group_silent', message }];
}

const SHARES = [
  {
    code: 'events_late',
    what: 'late',
    most: LIMITS.coverage_late_share,
    says: 'came too late or too early for windows: look at the clocks and the delay of the source',
  },
  {
    code: 'events_unresolved',
    what: 'unresolved',
    most: LIMITS.coverage_unresolved_share,
    says: 'are of nobody known: the source must say who acts, or send the spans that do',
  },
  {
    code: 'sizes_unknown',
    what: 'unsized',
    most: LIMITS.coverage_unsized_share,
    says: 'tell no size: volumes are not judged; let the source send bytes or records',
  },
] as const;

function sharesOf({ name, tallies }: PulseSum): CoverageWarning[] {
  if (tallies.events < LIMITS.coverage_events_min) return [];
  return SHARES.flatMap(({ code, what, most, says }) => {
    const share = tallies[what] / tallies.events;
    if (share < most) return [];
    return [{ code, message: `source ${name}: ${Math.round(share * 100)} % of the events of the last day ${says}` }];
  });
}
