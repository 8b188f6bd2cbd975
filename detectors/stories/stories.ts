import type { Alert, AlertMember } from '../../schemas/alert.ts';
import { SEVERITIES } from '../../schemas/alert.ts';
import type { EvidenceRef, Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Verdict } from '../../schemas/verdict.ts';
import type { Visit } from './chains.ts';
import { CONFIDENTIAL, describeStory } from './describe.ts';
import { findingOf, type Telling } from './telling.ts';

/** Names things by what they come of: the same in every run. */
export type Naming = (...parts: readonly string[]) => string;

/** What a telling leads to: its finding, the alert that it belongs to, and the revision of it that is worth sending. */
export type Told = {
  readonly finding: Finding;
  readonly uid: string;
  /** Whose the alert is. */
  readonly identity: string;
  readonly revision: Alert | undefined;
};

/** A story that is over, and what may be learned of it after all. */
export type Closed = { readonly alert: Alert; readonly released: readonly Telling[] };

type OpenStory = {
  alert: Alert;
  quiet_due: number;
  /** The latest of each key, in the order of their keys' first telling. */
  readonly tellings: Map<string, Telling>;
  /** The findings that came of them, under the same keys. */
  readonly findings: Map<string, Finding>;
};

type Encoded = readonly {
  readonly alert: Alert;
  readonly quiet_due: number;
  readonly tellings: readonly (readonly [string, Telling])[];
  readonly findings: readonly (readonly [string, Finding])[];
}[];

const DID_MAX = 3;
const MEMBER_EVIDENCE_MAX = 4;
/** Identities that a telling shares with a story that it belongs to. */
const SHARED_MIN = 2;

/**
 * The open stories of a tenant: tellings about the same identities become one alert, with one stable uid from creation
 * to its end. A revision goes out when somebody new comes in, when there is something new that they share, and when it
 * has become more severe.
 */
export class Stories {
  readonly #tenant: string;
  readonly #naming: Naming;
  readonly #open: OpenStory[] = [];

  constructor(tenant: string, naming: Naming, state?: unknown) {
    this.#tenant = tenant;
    this.#naming = naming;
    for (const { alert, quiet_due, tellings, findings } of (state as Encoded | undefined) ?? []) {
      this.#open.push({ alert, quiet_due, tellings: new Map(tellings), findings: new Map(findings) });
    }
  }

  encode(): unknown {
    return this.#open.map(({ alert, quiet_due, tellings, findings }) => ({
      alert,
      quiet_due,
      tellings: [...tellings],
      findings: [...findings],
    })) satisfies Encoded;
  }

  get size(): number {
    return this.#open.length;
  }

  /** When the next one is over unless it goes on. */
  get due(): number | undefined {
    return this.#open.length === 0 ? undefined : Math.min(...this.#open.map(({ quiet_due }) => quiet_due));
  }

  /**
   * Tells something. `story` is the one that told of it before; when that was judged, nothing more is told. Undefined
   * also when too many stories are open.
   */
  tell(telling: Telling, story: string | undefined, clock: { now: number; days: number }): Told | undefined {
    const known = story === undefined ? this.#related(telling) : this.#open.find(({ alert }) => alert.uid === story);
    if (known === undefined && (story !== undefined || this.#open.length >= LIMITS.stories_open_max)) return undefined;
    const { key, pattern, visits } = telling;
    const first = visits[0] as Visit;
    const id = this.#naming(this.#tenant, pattern, key, first.finding, String(visits.length));
    const finding = findingOf(telling, { id, log_ms: clock.now, days: clock.days });
    if (known !== undefined) {
      const { uid, identity } = known.alert;
      return { finding, uid, identity: identity.id, revision: extend(known, telling, finding, clock.now) };
    }
    const uid = this.#naming(this.#tenant, 'story', key, first.finding);
    const opened = openStory(this.#tenant, uid, telling, finding, clock.now);
    this.#open.push(opened);
    return { finding, uid, identity: opened.alert.identity.id, revision: opened.alert };
  }

  /**
   * Closes what nobody has added to for long enough. Nobody has judged it either: what is plain work of one group is then
   * learned, as roll-outs are; what is not waits for the next time that somebody looks.
   */
  advance(now: number): Closed[] {
    const over = this.#open.filter(({ quiet_due }) => quiet_due <= now);
    return over.map((story) => {
      const released = [...story.tellings.values()].filter(isPlain);
      return { alert: this.#close(story, 'quiet', story.quiet_due), released };
    });
  }

  /** Closes the judged story. */
  verdict({ alert_uid, verdict }: Verdict, now: number): Closed | undefined {
    const story = this.#open.find(({ alert }) => alert.uid === alert_uid);
    if (story === undefined) return undefined;
    const released = verdict === 'true_positive' ? [] : [...story.tellings.values()];
    return { alert: this.#close(story, verdict, now), released };
  }

  #close(story: OpenStory, reason: NonNullable<Alert['closed_reason']>, now: number): Alert {
    this.#open.splice(this.#open.indexOf(story), 1);
    const { alert } = story;
    return { ...alert, status: 'closed', closed_reason: reason, revision: alert.revision + 1, updated: now };
  }

  #related({ visits }: Telling): OpenStory | undefined {
    const ids = new Set(visits.map(({ identity }) => identity.id));
    return this.#open.find(({ alert }) => {
      return (alert.identities ?? []).filter(({ identity }) => ids.has(identity.id)).length >= SHARED_MIN;
    });
  }
}

function isPlain({ sensitivity, outbound, linked, groups }: Telling): boolean {
  return groups === 1 && linked === 0 && !outbound && sensitivity < CONFIDENTIAL;
}

function openStory(tenant: string, uid: string, telling: Telling, finding: Finding, now: number): OpenStory {
  const members = membersOf([telling]);
  const alert: Alert = {
    uid,
    revision: 1,
    status: 'open',
    tenant,
    identity: (members[0] as AlertMember).identity,
    identities: members,
    sessions: sessionsOf(members),
    bits: telling.bits,
    created: now,
    updated: now,
    ...timesOf(members),
    findings: [finding],
    finding_count: 1,
    evidence: evidenceOf([finding]),
    ...describeStory([telling], members),
  };
  return {
    alert,
    quiet_due: now + LIMITS.alert_quiet_ms,
    tellings: new Map([[telling.key, snapshotOf(telling)]]),
    findings: new Map([[telling.key, finding]]),
  };
}

/** Adds the telling to its story. Returns the revision that is worth sending. */
function extend(story: OpenStory, telling: Telling, finding: Finding, now: number): Alert | undefined {
  const before = story.alert;
  const full = !story.tellings.has(telling.key) && story.tellings.size >= LIMITS.findings_per_alert_max;
  if (!full) {
    story.tellings.set(telling.key, snapshotOf(telling));
    story.findings.set(telling.key, finding);
  }
  const tellings = [...story.tellings.values()].sort((a, b) => b.bits - a.bits || (a.key < b.key ? -1 : 1));
  const members = membersOf([...story.tellings.values()]);
  const findings = [...story.findings.values()].sort((a, b) => b.bits - a.bits || (a.id < b.id ? -1 : 1));
  story.alert = {
    ...before,
    identities: members,
    sessions: sessionsOf(members),
    bits: Math.max(before.bits, telling.bits),
    ...timesOf(members),
    findings,
    finding_count: before.finding_count + 1,
    evidence: evidenceOf(findings),
    ...describeStory(tellings, members),
  };
  story.quiet_due = now + LIMITS.alert_quiet_ms;
  if (!worthSending(before, story.alert)) return undefined;
  story.alert = { ...story.alert, revision: before.revision + 1, updated: now };
  return story.alert;
}

function worthSending(before: Alert, after: Alert): boolean {
  if (SEVERITIES.indexOf(after.severity) > SEVERITIES.indexOf(before.severity)) return true;
  if ((after.identities?.length ?? 0) > (before.identities?.length ?? 0)) return true;
  return after.findings.length > before.findings.length;
}

/** A chain goes on after it was told of; what a story holds stays as it was told. */
function snapshotOf(telling: Telling): Telling {
  return { ...telling, visits: [...telling.visits] };
}

/** Who is in it and what each did, in the order in which they came in. */
function membersOf(tellings: readonly Telling[]): AlertMember[] {
  const visits = tellings.flatMap((telling) => telling.visits);
  const by = Map.groupBy(visits, ({ identity }) => identity.id);
  return [...by.values()]
    .map(memberOf)
    .sort((a, b) => a.first_time - b.first_time || (a.identity.id < b.identity.id ? -1 : 1))
    .slice(0, LIMITS.story_identities_max);
}

function memberOf(visits: readonly Visit[]): AlertMember {
  const sorted = [...visits].sort((a, b) => b.bits - a.bits || (a.finding < b.finding ? -1 : 1));
  const times = visits.map(({ event }) => event.time);
  const handed_by = visits.find((visit) => visit.handed_by !== undefined)?.handed_by;
  return {
    identity: (sorted[0] as Visit).identity,
    first_time: Math.min(...times),
    last_time: Math.max(...times),
    bits: (sorted[0] as Visit).bits,
    did: [...new Set(sorted.map(({ sentence }) => sentence))].slice(0, DID_MAX),
    ...(handed_by === undefined ? {} : { handed_by }),
    sessions: unique(visits.map(({ session }) => session)),
    alert_uids: unique(visits.map(({ alert_uid }) => alert_uid)),
    evidence: evidenceFrom(
      sorted.map(({ event }) => event),
      MEMBER_EVIDENCE_MAX,
    ),
  };
}

const sessionsOf = (members: readonly AlertMember[]): string[] => unique(members.flatMap(({ sessions }) => sessions));

function timesOf(members: readonly AlertMember[]): Pick<Alert, 'first_time' | 'last_time'> {
  return {
    first_time: Math.min(...members.map(({ first_time }) => first_time)),
    last_time: Math.max(...members.map(({ last_time }) => last_time)),
  };
}

const evidenceOf = (findings: readonly Finding[]): EvidenceRef[] =>
  evidenceFrom(
    findings.flatMap(({ evidence }) => evidence),
    LIMITS.evidence_per_alert_max,
  );

function evidenceFrom(refs: readonly EvidenceRef[], most: number): EvidenceRef[] {
  return [...new Map(refs.map((ref) => [ref.key, ref])).values()].slice(0, most);
}

function unique(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values)].filter((value) => value !== undefined).slice(0, LIMITS.story_identities_max);
}
