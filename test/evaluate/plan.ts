import { STORIES } from '../../services/simulate/stories/index.ts';
import type { FleetJob } from './facts.ts';

/** How much is run. Everything that follows is a function of it. */
export type Plan = {
  readonly name: 'full' | 'quick' | 'tiny';
  readonly seeds: number;
  readonly identities: number;
  readonly days: number;
  readonly intensities: readonly number[];
  /** Names of attacks. */
  readonly attacks: readonly string[];
  /** Attacks that share a fleet, each on agents of its own. */
  readonly attacks_a_fleet: number;
  /** Fleets without stories, of seeds of their own, from which the level of one false alarm in a thousand follows. */
  readonly quiet_fleets: number;
};

export const ATTACKS: readonly string[] = STORIES.filter(({ kind }) => kind === 'attack').map(({ name }) => name);
const LOOK_ALIKES: readonly string[] = STORIES.filter(({ kind }) => kind === 'benign').map(({ name }) => name);

const FULL = { identities: 100, days: 28, intensities: [0, 0.1, 0.2, 0.4, 0.6, 0.8, 1], attacks_a_fleet: 3 };
const QUICK = { identities: 60, days: 24, intensities: [0.2, 0.6, 1], attacks_a_fleet: 6 };
const TINY = { identities: 24, days: 8, intensities: [1], attacks_a_fleet: 2 };
const SIZES = { full: FULL, quick: QUICK, tiny: TINY } as const;
const SEEDS = { full: 5, quick: 1, tiny: 1 } as const;
/** Quiet identity-days must be several thousand for one in a thousand to mean anything. */
const QUIET = { full: 6, quick: 2, tiny: 1 } as const;

/** Intensity at which stories are drawn, and at which look-alikes are played. */
const TYPICAL = 0.6;
/** Seeds of quiet fleets, apart from all that a person would ask for. */
const HELD_BACK = 900_000;

export function planOf(
  name: Plan['name'],
  choice: { readonly seeds?: number | undefined; readonly attacks?: readonly string[] | undefined } = {},
): Plan {
  const seeds = choice.seeds ?? SEEDS[name];
  const quiet_fleets = Math.max(QUIET[name], name === 'tiny' ? 0 : seeds);
  return { name, seeds, ...SIZES[name], attacks: choice.attacks ?? ATTACKS, quiet_fleets };
}

/** The fleets to run, quiet ones first. Look-alikes are in every fleet that is not quiet. */
export function jobsOf(plan: Plan): FleetJob[] {
  const { identities, days } = plan;
  const fleet = { kind: 'fleet', identities, days } as const;
  const jobs: FleetJob[] = Array.from({ length: plan.quiet_fleets }, (_, i) => {
    return { ...fleet, seed: HELD_BACK + i, stories: [], pictures: [] };
  });
  const drawn_at = nearestTo(plan.intensities, TYPICAL);
  for (let seed = 1; seed <= plan.seeds; seed++) {
    for (const intensity of plan.intensities) {
      for (const [number, attacks] of packsOf(plan).entries()) {
        const drawn = seed === 1 && intensity === drawn_at;
        const stories = [
          ...attacks.map((one) => `${one}:${intensity}`),
          ...LOOK_ALIKES.map((one) => `${one}:${TYPICAL}`),
        ];
        const pictures = drawn ? [...attacks, ...(number === 0 ? LOOK_ALIKES : [])] : [];
        jobs.push({ ...fleet, seed, stories, pictures });
      }
    }
  }
  return jobs;
}

/** Attacks that share a fleet are not neighbours in the catalogue, where like ones stand together. */
function packsOf({ attacks, attacks_a_fleet }: Plan): string[][] {
  const packs = Math.ceil(attacks.length / attacks_a_fleet);
  return Array.from({ length: packs }, (_, pack) => attacks.filter((_one, i) => i % packs === pack));
}

function nearestTo(values: readonly number[], wanted: number): number {
  return values.reduce((best, value) => (Math.abs(value - wanted) < Math.abs(best - wanted) ? value : best));
}
