import type { HandedFinding, HandedRecord } from '../../schemas/handed.ts';
import { UNITS } from '../../schemas/limits.ts';
import { stableId } from '../../services/detect/alerts.ts';

/** Records as partition workers hand them on. */
export type FindingOptions = Partial<Omit<HandedFinding, 'identity' | 'type'>> & {
  /** Number of the event: its id and key follow from it. */
  readonly n: number;
  readonly who?: string;
  readonly about?: readonly (readonly [kind: string, value: string])[];
};

export const START_MS = Date.UTC(2026, 2, 9);

export function handed({
  n,
  who = 'agent-1',
  about = [['resource', 'secret-1']],
  ...rest
}: FindingOptions): HandedFinding {
  const tenant = rest.tenant ?? 'default';
  const at = rest.at ?? START_MS + n * UNITS.MINUTE_MS;
  return {
    type: 'finding',
    at,
    recorded: false,
    id: stableId('test', tenant, who, String(n)),
    tenant,
    identity: { id: who, kind: 'agent', peer_group: rest.group ?? 'team' },
    group: 'team',
    event: { key: stableId('key', String(n)), id: `ev-${n}`, time: at },
    session: `session-${who}`,
    operation: 'read',
    sensitivity: 3,
    bits: 9,
    detector: 'resource_rarity',
    pattern: 'first_seen_resource',
    sentence: `${who} never touched this.`,
    patterns: ['first_seen_resource'],
    subjects: about.map(([kind, value]) => ({ kind, value })),
    ...rest,
  };
}

type Draw = { (): number; int(below: number): number; chance(p: number): boolean };

/**
 * What two tenants hand on over some days: quiet work of its own for each identity, now and then a subject that passes
 * from one to the next, repeats as after a crash of detect, ticks and verdicts.
 */
export function randomRecords(random: Draw, count: number): HandedRecord[] {
  const records: HandedRecord[] = [];
  let at = START_MS;
  let chain = 0;
  for (let n = 0; n < count; n++) {
    at += random.int(20 * UNITS.MINUTE_MS);
    const tenant = random.chance(0.8) ? 'default' : 'other';
    const recorded = random.chance(0.1);
    const dice = random();
    if (dice < 0.1) records.push({ type: 'tick', at, recorded, partition: random.int(2), partitions: 2 });
    else if (dice < 0.2 && records.length > 0) repeat(records, random);
    else if (dice < 0.24) records.push(verdictOf(tenant, random, at));
    else {
      if (random.chance(0.1)) chain++;
      const who = random.int(9);
      const shared = random.chance(0.4);
      const next = random.int(9);
      const handing = random.chance(0.3);
      records.push(
        handed({
          n,
          at: at - random.int(3) * UNITS.MINUTE_MS,
          tenant,
          recorded,
          who: `agent-${who}`,
          group: `team-${who % 4}`,
          about: [
            ['resource', shared ? `shared-${chain}` : `own-${n}`],
            ...(random.chance(0.2) ? [['tool', `tool-${random.int(3)}`] as const] : []),
          ],
          sensitivity: random.int(5) - 1,
          bits: 7 + 10 * random(),
          patterns: ['first_seen_resource', ...(random.chance(0.3) ? ['out_of_context'] : [])],
          ...(handing ? { operation: 'delegate', hands_to: [`agent-${next}`] } : {}),
          ...(random.chance(0.2) ? { alert_uid: `alert-${who}` } : {}),
        }),
      );
    }
  }
  return records;
}

function repeat(records: HandedRecord[], random: Draw): void {
  const from = Math.max(0, records.length - 1 - random.int(12));
  records.push(...records.slice(from, from + 1 + random.int(6)));
}

function verdictOf(tenant: string, random: Draw, at: number): HandedRecord {
  const verdict = (['true_positive', 'false_positive', 'expected_change'] as const)[random.int(3)] ?? 'true_positive';
  const told = { alert_uid: 'none', tenant, identity: 'agent-1', verdict, author: 'ana', time: at };
  return { type: 'verdict', at, recorded: false, verdict: told };
}
