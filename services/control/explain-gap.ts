import type { Gap, GapResume } from '../../schemas/gap.ts';
import { TOPICS } from '../platform/event-log.ts';
import { HIDDEN_BY_GROWTH } from '../platform/gaps.ts';

/** What each decision about a gap would lose or repeat. */
export type GapChoices = Readonly<Record<GapResume, string>>;

/** Reasons after which the log is still the one that was read, so that reading goes on in its place. */
const IN_PLACE: ReadonlySet<string> = new Set([
  'offset_before_log',
  'partition_count_changed',
  'prior_missing',
  'too_many_failures',
]);

/** For the operator who has to decide, by stage and reason. */
export function gapChoices(gap: Gap): GapChoices {
  switch (gap.stage) {
    case 'ingest':
      return ofIngest(gap);
    case 'detect':
      return gap.topic === TOPICS.findings ? OF_STORIES : ofDetect(gap);
    case 'deliver':
      return gap.topic === TOPICS.feed ? OF_THE_FEED : ofDeliver(gap);
    case 'contain':
      return gap.topic === TOPICS.commands ? OF_COMMANDS : OF_PROPOSALS;
  }
}

function ofIngest({ reason, topic }: Gap): GapChoices {
  if (topic === TOPICS.spans) return OF_WHAT_WAITS;
  const end =
    'Goes on behind the newest record. All that the topic holds now and that was not read is lost, besides what is gone already.';
  if (IN_PLACE.has(reason)) {
    return { start: 'Goes on with the oldest record that is there. What was deleted before it was read is lost.', end };
  }
  return {
    start:
      'Reads all that the topic holds. What was read before is recognised by its key and not counted twice; what is gone ' +
      'from the topic and was not read is lost.',
    end,
  };
}

const OF_WHAT_WAITS: GapChoices = {
  start:
    'Settles all that the topic holds. What was settled before is recognised by its key and not scored twice; what was ' +
    'deleted while it waited is lost.',
  end: 'Goes on behind the newest record. All that the topic holds now and that still waits is lost.',
};

const OF_STORIES: GapChoices = {
  start:
    'Makes stories of all that the topic holds. What they were made of before may be told again, under a new alert; what is ' +
    'gone from the topic and was not read is in no story. Alerts of single identities are not touched.',
  end: 'Goes on behind the newest record. What the topic holds now is in no story. Alerts of single identities are not touched.',
};

function ofDetect({ reason }: Gap): GapChoices {
  const end =
    'Goes on behind the newest record. Nothing that the log holds now and that was not applied is scored or learned.';
  if (reason === 'prior_missing') {
    return { start: 'Goes on where it was, without what was known of the peer group. Nothing is lost.', end };
  }
  if (reason === 'too_many_failures') {
    return { start: 'Goes on, and passes over each record on which it fails; these are dead-lettered.', end };
  }
  if (IN_PLACE.has(reason)) {
    return {
      start: 'Goes on with the oldest record that was not applied. What was deleted is neither scored nor learned.',
      end,
    };
  }
  return {
    start:
      'Reads all that the log holds. Events that it remembers by their keys are not counted twice; older ones are, in ' +
      'baselines that already know them. What is gone from the log is neither scored nor learned.',
    end,
  };
}

function ofDeliver({ reason }: Gap): GapChoices {
  const again =
    reason === HIDDEN_BY_GROWTH || reason === 'generation_changed'
      ? 'Alerts that the feed remembers are not delivered twice; older ones may be.'
      : 'Nothing is delivered twice.';
  return {
    start:
      'Goes on with the oldest alerts that are there, and where it was in partitions that still hold its place. ' +
      `What was deleted before it was delivered is lost to webhooks and SIEMs, not to the store. ${again}`,
    end:
      'Goes on behind the newest alerts, and where it was in partitions that still hold its place. Alerts that are there ' +
      'and were not delivered never reach webhooks, SIEMs and containment; the store has them.',
  };
}

const OF_THE_FEED: GapChoices = {
  start:
    'Fills the new feed with all alerts that the log still holds. Webhooks and SIEMs get again what they have had, under ' +
    'the same ids.',
  end: 'Goes on with alerts that were not in the old feed. What webhooks and SIEMs had not read of it they never get.',
};

const OF_COMMANDS: GapChoices = {
  start:
    'Decides all commands that the topic holds; those that were decided before are recognised. What was asked in the old ' +
    'topic and not decided is lost: look for denials and revoked keys, and ask again. Approved containments go on.',
  end:
    'Decides only what is asked from now on. All that was asked before and not decided is lost: look for denials and ' +
    'revoked keys, and ask again. Approved containments go on.',
};

const OF_PROPOSALS: GapChoices = {
  start:
    'Goes on with the oldest alerts of the feed. What was proposed before is recognised; what alerts that are gone ' +
    'recommended was not proposed.',
  end: 'Goes on with the next alert of the feed. What alerts before it recommend and was not proposed never is.',
};
