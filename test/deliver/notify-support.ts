import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Containment, ContainmentState } from '../../schemas/containment.ts';
import type { ControlRecord } from '../../schemas/control.ts';
import { NOTICE_KINDS, type NoticeFilter, NotifyConfig } from '../../schemas/notify.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { openControlView } from '../../services/control/view.ts';
import type { NotifyPorts, SendAnswer, Target } from '../../services/deliver/notify/lane.ts';
import type { Notice } from '../../services/deliver/notify/notice.ts';
import { runNotify } from '../../services/deliver/notify/notify.ts';
import type { Clock } from '../../services/platform/clock.ts';
import { type EventLog, TOPICS } from '../../services/platform/event-log.ts';
import { silentTelemetry } from '../../services/platform/telemetry.ts';
import { type FaultPlan, newDisk, openSimulatedLog, type SimulatedDisk } from '../support/simulated-log.ts';

export const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

const DEFAULTS = NotifyConfig.parse({
  chat: [{ name: 'x', kind: 'slack', url_file: 'x' }],
}).chat[0] as NoticeFilter;

/** The filter of somebody who configured nothing. */
export const filterOf = (over: Partial<NoticeFilter> = {}): NoticeFilter => ({
  severity_min: DEFAULTS.severity_min,
  about: DEFAULTS.about,
  detail: DEFAULTS.detail,
  ...over,
});
export const EVERYTHING = filterOf({ about: NOTICE_KINDS });

type Over = Partial<Omit<Containment, 'terms'>> & {
  readonly terms?: Partial<Containment['terms']>;
  readonly alert?: Partial<Containment['terms']['alert']>;
};

/** A containment that waits; `name` makes its id and that of its alert. */
export function containmentOf(name: number, { terms, alert, ...over }: Over = {}): Containment {
  return {
    id: name.toString(16).padStart(32, '0'),
    state: 'pending',
    terms: {
      tenant: 'default',
      identity: { id: 'agent-7', kind: 'agent', owner: 'payments' },
      recommendation: { action: 'restrict_tool', target: 'mail.send', parameters: {}, reason: 'it carried data out' },
      alert: {
        uid: name.toString(16).padStart(32, 'a'),
        revision: 1,
        severity: 'high',
        title: 'agent-7 exports what it never exported',
        summary: 'It sent 12 MB to a recipient that no one in its group has used.',
        evidence: [],
        ...alert,
      },
      policy: { version: 'builtin-1', approvals: 2, roles: ['approver'] },
      executor: 'webhook',
      ...terms,
    },
    digest: name.toString(16).padStart(64, 'd'),
    requested_by: SYSTEM,
    created: NOW,
    approval_expires: NOW + 24 * HOUR_MS,
    votes: [],
    updated: NOW,
    ...over,
  };
}

export function changed(containment: Containment, from?: ContainmentState): ControlRecord {
  return {
    v: 1,
    who: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
    when: containment.updated,
    what: `containment ${containment.id}: ${from ?? 'none'} -> ${containment.state}`,
    kind: 'containment_changed',
    containment,
    ...(from !== undefined && { from }),
  };
}

export async function write(log: EventLog, ...records: readonly ControlRecord[]): Promise<void> {
  await log.transact({
    records: records.map((record) => ({
      topic: TOPICS.control,
      partition: 0,
      key: record.kind,
      value: Buffer.from(JSON.stringify(record)),
    })),
  });
}

/** Somebody who is told, and answers as the test says; the last answer goes on. */
export function listenerOf(name: string, over: { filter?: NoticeFilter; answers?: SendAnswer[] } = {}) {
  const { filter = filterOf(), answers = [] } = over;
  const tried: Notice[] = [];
  const told: Notice[] = [];
  const target: Target = {
    position: `deliver.notify.chat.${name}`,
    channel: 'slack',
    to: name,
    filter,
    async send(notice) {
      tried.push(notice);
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? { kind: 'sent' };
      if (answer.kind === 'sent') told.push(notice);
      return answer;
    },
  };
  return { target, tried, told, answers };
}

/** Ids of what was told, short: `proposed 1`, or `proposed 1+2` where others came with it. */
export function short({ kind, containment, others }: Notice): string {
  return `${kind} ${[containment, ...others].map(({ id }) => Number.parseInt(id, 16)).join('+')}`;
}

export const SETTINGS = { debounce_ms: 15_000, remind_before_ms: HOUR_MS };

/** Starts telling on a disk, as a process of its own would; `stop` ends it in good order. */
export async function tell(options: {
  readonly disk: SimulatedDisk;
  readonly clock: Clock;
  readonly targets: readonly Target[];
  readonly faults?: FaultPlan;
  readonly settings?: NotifyPorts['settings'];
}): Promise<{ readonly log: EventLog; stop(): Promise<void>; crash(): void }> {
  const { disk, clock, targets, faults, settings = SETTINGS } = options;
  const log = openSimulatedLog({ disk, clock, ...(faults && { faults }) });
  const view = await openControlView(openSimulatedLog({ disk, clock }), clock);
  const over = new AbortController();
  const telemetry = silentTelemetry();
  const running = runNotify({ log, view, clock, telemetry, random: () => 0.5, settings }, targets, over.signal);
  running.catch(() => undefined);
  return {
    log,
    crash: () => log.crash(),
    async stop() {
      over.abort();
      await running;
      await view.close();
    },
  };
}

export const disk = (): SimulatedDisk => newDisk({ partitions: 2, random: () => 0.5 });

/** Lets everything that can run run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await nextTurn();
}
