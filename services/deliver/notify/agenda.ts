import type { Containment } from '../../../schemas/containment.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import type { NoticeFilter } from '../../../schemas/notify.ts';
import type { ControlState } from '../../control/state.ts';
import { type ControlEntry, readControl } from '../../control/writer.ts';
import type { EventLog } from '../../platform/event-log.ts';
import type { LaneState } from './lane-state.ts';
import { isBreakGlass, isWanted, type Notice, noticeAbout, noticeOf } from './notice.ts';

export type AgendaSettings = { readonly debounce_ms: number; readonly remind_before_ms: number };

/** What an agenda is drawn up from: the log, and the control log as this process has folded it. */
export type AgendaSeams = {
  readonly log: EventLog;
  readonly view: { readonly state: Pick<ControlState, 'containments' | 'open'>; next(): number };
  readonly filter: NoticeFilter;
  readonly settings: AgendaSettings;
  readonly now_ms: number;
};

/** What is to be told next, if anything is by now, and how the lane stands before and after it. */
export type Agenda = {
  /** What told nobody anything is behind it. */
  readonly state: LaneState;
  readonly head: { readonly notice: Notice; readonly after: LaneState; readonly news: boolean } | undefined;
  /** When something falls due without anybody writing it, epoch milliseconds. */
  readonly wake_ms: number;
};

/** News first: an emergency waits for nobody. Rejects with OffsetOutOfRange or LogUnavailable. */
export async function drawUp(seams: AgendaSeams, from: LaneState): Promise<Agenda> {
  const news = await nextOf(seams, from.news, ({ record }) => {
    const notice = noticeOf(record);
    const told = notice !== undefined && notice.kind !== 'proposed';
    return told && isWanted(seams.filter, notice.kind, notice.containment) ? notice : undefined;
  });
  const read = { ...from, news: news.next };
  if (news.found !== undefined) {
    return {
      state: read,
      head: { notice: news.found, after: { ...read, news: news.next + 1 }, news: true },
      wake_ms: 0,
    };
  }
  const proposed = await nextProposal(seams, read);
  if (proposed.head !== undefined) return proposed;
  const reminded = nextReminder(seams, proposed.state);
  return { ...reminded, wake_ms: Math.min(reminded.wake_ms, proposed.wake_ms) };
}

/** The first entry that `look` finds something in, and its offset; else where the log ends. */
async function nextOf<T>(
  { log }: AgendaSeams,
  from: number,
  look: (entry: ControlEntry) => T | undefined,
): Promise<{ readonly found: T | undefined; readonly next: number }> {
  for (let next = from; ; ) {
    const read = await readControl(log, next);
    for (const entry of read.entries) {
      const found = look(entry);
      if (found !== undefined) return { found, next: entry.offset };
    }
    if (read.next === next) return { found: undefined, next };
    next = read.next;
  }
}

async function nextProposal(seams: AgendaSeams, from: LaneState): Promise<Agenda> {
  const { settings, now_ms } = seams;
  const covered = new Set(from.covered);
  const { found, next } = await nextOf(seams, from.proposals, ({ offset, record }) => {
    const notice = noticeOf(record);
    if (notice?.kind !== 'proposed') return undefined;
    if (covered.delete(notice.containment.id)) return undefined;
    const containment = asOfNow(seams, offset, notice.containment);
    if (containment?.state !== 'pending' || !isWanted(seams.filter, 'proposed', containment)) return undefined;
    return { containment, when: notice.when };
  });
  const state = { ...from, proposals: next, covered: [...covered] };
  if (found === undefined) return { state, head: undefined, wake_ms: Number.POSITIVE_INFINITY };
  // A clock that runs ahead elsewhere must not keep people from being told.
  const due_ms = Math.min(found.containment.created, now_ms) + settings.debounce_ms;
  if (due_ms > now_ms) return { state, head: undefined, wake_ms: due_ms };
  const others = companionsOf(seams, found.containment, covered);
  const notice = noticeAbout('proposed', found.containment, found.when, others);
  const told = [...covered, ...others.map(({ id }) => id)].slice(-LIMITS.notify_covered_max);
  return { state, head: { notice, after: { ...state, proposals: next + 1, covered: told }, news: false }, wake_ms: 0 };
}

/** As folded, unless this process has not come so far yet; undefined when it ended so long ago that it is forgotten. */
function asOfNow({ view }: AgendaSeams, offset: number, recorded: Containment): Containment | undefined {
  return view.next() > offset ? view.state.containments.get(recorded.id) : recorded;
}

/**
 * What is told together with a proposal: what else of its alert has come since; and where proposals of many alerts came at
 * once, all of them, so that whoever floods approvers does not reach more than a message.
 */
function companionsOf(seams: AgendaSeams, first: Containment, covered: ReadonlySet<string>): readonly Containment[] {
  const { view, filter } = seams;
  const later: Containment[] = [];
  for (const id of view.state.open) {
    const one = view.state.containments.get(id);
    if (one === undefined || one.id === first.id || one.state !== 'pending' || covered.has(id)) continue;
    if (one.created < first.created || isBreakGlass(one) || !isWanted(filter, 'proposed', one)) continue;
    later.push(one);
  }
  const alerts = new Set(later.map(({ terms }) => terms.alert.uid)).add(first.terms.alert.uid);
  const flood = alerts.size > LIMITS.notify_alerts_apart_max;
  const room = LIMITS.notify_covered_max - covered.size;
  return later.filter(({ terms }) => flood || terms.alert.uid === first.terms.alert.uid).slice(0, Math.max(0, room));
}

/** Reminds once of every proposal that still waits so shortly before it expires, if it was not proposed just then. */
function nextReminder({ view, filter, settings, now_ms }: AgendaSeams, state: LaneState): Agenda {
  let due: { readonly at: number; readonly containment: Containment } | undefined;
  let wake_ms = Number.POSITIVE_INFINITY;
  for (const id of view.state.open) {
    const containment = view.state.containments.get(id);
    if (containment?.state !== 'pending' || !isWanted(filter, 'reminder', containment)) continue;
    const at = containment.approval_expires - settings.remind_before_ms;
    const passed = at < state.reminded[0] || (at === state.reminded[0] && id <= state.reminded[1]);
    if (passed || at <= containment.created + settings.debounce_ms || now_ms >= containment.approval_expires) continue;
    if (at > now_ms) wake_ms = Math.min(wake_ms, at);
    else if (due === undefined || at < due.at || (at === due.at && id < due.containment.id)) due = { at, containment };
  }
  if (due === undefined) return { state, head: undefined, wake_ms };
  const after = { ...state, reminded: [due.at, due.containment.id] as const };
  return { state, head: { notice: noticeAbout('reminder', due.containment, due.at), after, news: false }, wake_ms };
}
