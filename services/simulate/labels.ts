import type { EventInput } from '../../schemas/event.ts';
import type { Story } from './stories/contract.ts';

const EVENT_IDS_MAX = 20_000;
const SESSIONS_MAX = 5_000;

/** The truth about one injected story. Detectors never see it; an event is labelled by being in `event_ids`. */
export type StoryLabel = {
  readonly story: string;
  readonly kind: Story['kind'];
  /** Intensity from 0 to 1 with which it was played. */
  readonly intensity: number;
  readonly technique?: Story['technique'];
  /** The main identity, and all of them when there are several. */
  readonly identity: string;
  readonly identities?: readonly string[];
  /** Sessions and events, at most 5,000 and 20,000 of them; `events` counts all. */
  readonly sessions: readonly string[];
  readonly event_ids: readonly string[];
  readonly events: number;
  /** Epoch milliseconds of the first and last event, or of the silence. */
  readonly first_time: number;
  readonly last_time: number;
  readonly description: string;
};

export type LabelBook = {
  /** Notes that the event belongs to the story of this number. */
  note(story: number, event: EventInput, time_ms: number): void;
  /** The labels of all stories, by first time. */
  close(): StoryLabel[];
};

export type LabelHead = Pick<
  StoryLabel,
  'story' | 'kind' | 'intensity' | 'technique' | 'identity' | 'identities' | 'description'
> & {
  /** When it takes place, for a story without events. */
  readonly span: { readonly from_ms: number; readonly to_ms: number };
};

type Open = { head: LabelHead; ids: string[]; sessions: Set<string>; events: number; first: number; last: number };

export function openLabels(heads: readonly LabelHead[]): LabelBook {
  const open: Open[] = heads.map((head) => ({
    head,
    ids: [],
    sessions: new Set(),
    events: 0,
    first: Number.POSITIVE_INFINITY,
    last: 0,
  }));
  return {
    note(story, event, time_ms) {
      const label = open[story];
      if (label === undefined) throw new RangeError(`no story has the number ${story}`);
      label.events += 1;
      if (label.ids.length < EVENT_IDS_MAX) label.ids.push(event.id);
      if (event.session !== undefined && label.sessions.size < SESSIONS_MAX) label.sessions.add(event.session);
      label.first = Math.min(label.first, time_ms);
      label.last = Math.max(label.last, time_ms);
    },
    close: () => open.map(finish).sort((a, b) => a.first_time - b.first_time || (a.story < b.story ? -1 : 1)),
  };
}

function finish({ head, ids, sessions, events, first, last }: Open): StoryLabel {
  const { span, ...rest } = head;
  const [first_time, last_time] = events === 0 ? [span.from_ms, span.to_ms] : [first, last];
  return { ...rest, sessions: [...sessions], event_ids: ids, events, first_time, last_time };
}
