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
 * What two tenants hand on over some days: work of its own for each identity, now and then a secret that passes from one
 * to the next, repeats as after a crash of detect, ticks and verdicts.
 */
export function randomRecords(random: Draw, count: number): HandedRecord[] {
  const records: HandedRecord[] = [];
  let at = START_MS;
  for (let n = 0; n < count; n += 8) {
    at += random.int(90 * UNITS.MINUTE_MS);
    const tenant = random.chance(0.8) ? 'default' : 'other';
    const recorded = random.chance(0.2);
    const dice = random();
    if (dice < 0.2) records.push({ type: 'tick', at, recorded, partition: random.int(2), partitions: 2 });
    else if (dice < 0.3 && records.length > 0) repeat(records, random);
    else if (dice < 0.35) records.push(verdictOf(records, random, at));
    else if (dice < 0.45) records.push(...incident(random, { n, at, tenant, recorded }));
    else records.push(ordinary(random, { n, at, tenant, recorded }));
  }
  return records;
}

type Place = { readonly n: number; readonly at: number; readonly tenant: string; readonly recorded: boolean };

function ordinary(random: Draw, place: Place): HandedFinding {
  const who = random.int(9);
  const shared = random.chance(0.05);
  return handed({
    ...place,
    at: place.at - random.int(3) * UNITS.MINUTE_MS,
    who: `agent-${who}`,
    group: `team-${who % 4}`,
    about: [
      ['resource', shared ? `shared-${place.n >> 7}` : `own-${place.n}`],
      ...(random.chance(0.2) ? [['tool', `tool-${random.int(3)}`] as const] : []),
    ],
    sensitivity: random.int(5) - 1,
    bits: 7 + 10 * random(),
    patterns: ['first_seen_resource', ...(random.chance(0.3) ? ['out_of_context'] : [])],
    ...(random.chance(0.2) ? { operation: 'delegate', hands_to: [`agent-${random.int(9)}`] } : {}),
    ...(random.chance(0.2) ? { alert_uid: `alert-${who}` } : {}),
  });
}

/** Some reach for one secret, most of them handed work by the one before. */
function incident(random: Draw, place: Place): HandedFinding[] {
  const first = random.int(9);
  return Array.from({ length: 3 + random.int(4) }, (_, i) => {
    const who = (first + i) % 9;
    return handed({
      ...place,
      n: place.n + i,
      at: place.at + i * random.int(20) * UNITS.MINUTE_MS,
      who: `agent-${who}`,
      group: `team-${who % 4}`,
      about: [['resource', `secret-${place.n}`]],
      ...(random.chance(0.8) ? { operation: 'delegate', hands_to: [`agent-${(who + 1) % 9}`] } : {}),
    });
  });
}

function repeat(records: HandedRecord[], random: Draw): void {
  const from = Math.max(0, records.length - 1 - random.int(12));
  records.push(...records.slice(from, from + 1 + random.int(6)));
}

/** A judgement of what may have become a story: by the first finding of an incident, as its uid follows from that. */
function verdictOf(records: readonly HandedRecord[], random: Draw, at: number): HandedRecord {
  const about = records.findLast((record) => record.type === 'finding' && record.sensitivity === 3);
  const found = about?.type === 'finding' ? about : undefined;
  const verdict = (['true_positive', 'false_positive', 'expected_change'] as const)[random.int(3)] ?? 'true_positive';
  const tenant = found?.tenant ?? 'default';
  const alert_uid = uidOf(records, found) ?? 'none';
  const told = { alert_uid, tenant, identity: 'agent-1', verdict, author: 'ana', time: at };
  return { type: 'verdict', at, recorded: false, verdict: told };
}

function uidOf(records: readonly HandedRecord[], found: HandedFinding | undefined): string | undefined {
  const [subject] = found?.subjects ?? [];
  if (found === undefined || subject === undefined) return undefined;
  const first = records.find(
    (one) => one.type === 'finding' && one.tenant === found.tenant && one.subjects[0]?.value === subject.value,
  );
  if (first?.type !== 'finding') return undefined;
  return stableId(found.tenant, 'story', `subject\u0000${subject.kind}\u0000${subject.value}`, first.id);
}
