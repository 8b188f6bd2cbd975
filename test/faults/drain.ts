import { setTimeout as sleep } from 'node:timers/promises';
import { ControlRecord } from '../../schemas/control.ts';
import { decodeRecord } from '../../services/control/sealed.ts';
import { readPosition } from '../../services/control/writer.ts';
import { FEED_POSITION } from '../../services/deliver/feed.ts';
import { decodePosition } from '../../services/deliver/feed-core.ts';
import { waitingPriors } from '../../services/detect/priors.ts';
import { committedName } from '../../services/detect/writer.ts';
import { systemClock } from '../../services/platform/clock.ts';
import { type EventLog, LogUnavailable, TOPICS, type Topic } from '../../services/platform/event-log.ts';

const PATIENCE_MS = 90_000;
const POLL_MS = 100;
const ONE = { records: 1, bytes: 1 };
const SOME = { records: 512, bytes: 4_194_304 };

/** Waits until everything in the log was taken up by whoever reads it. Resolves with what was not, after long patience. */
export async function drained(log: EventLog, alive: () => boolean): Promise<string[]> {
  let behind: string[] = ['nothing was looked at'];
  let calm = 0;
  const begun = systemClock.elapsed();
  while (systemClock.elapsed() - begun < PATIENCE_MS && alive()) {
    behind = await whoIsBehind(log).catch((error: unknown) => {
      if (error instanceof LogUnavailable) return [String(error)];
      throw error;
    });
    // What one reader writes another one reads: only twice nothing is nothing.
    calm = behind.length === 0 ? calm + 1 : 0;
    if (calm === 3) return [];
    await sleep(POLL_MS);
  }
  return behind;
}

const isCheckpoint = (value: Buffer): boolean =>
  ControlRecord.parse(decodeRecord(value).json).kind === 'checkpoint_signed';

/** What nobody has taken up yet. */
export async function whoIsBehind(log: EventLog): Promise<string[]> {
  const behind = (await waitingPriors(log)).map((version) => `prior ${version} is not announced`);
  const look = async (reader: string, topic: Topic, partition: number, next: number): Promise<void> => {
    const { records } = await log.read(topic, partition, next, ONE);
    if (records.length > 0) behind.push(`${reader} has not read ${topic}/${partition}/${next}`);
  };
  const events = await log.describe(TOPICS.events);
  for (let partition = 0; partition < events.partitions; partition++) {
    await look('detect', TOPICS.events, partition, Number((await log.position(committedName(partition))) ?? 0));
  }
  const raw = await log.describe(TOPICS.raw);
  for (let partition = 0; partition < raw.partitions; partition++) {
    const position = await log.position(`ingest.${TOPICS.raw}.${partition}`);
    const next = position === undefined ? 0 : (JSON.parse(position) as { next: number }).next;
    await look('ingest', TOPICS.raw, partition, next);
  }
  const fed = await log.position(FEED_POSITION);
  const alerts = await log.describe(TOPICS.alerts);
  const next = fed === undefined ? [] : decodePosition(fed).next;
  for (let partition = 0; partition < alerts.partitions; partition++) {
    await look('the feed', TOPICS.alerts, partition, next[partition] ?? 0);
  }
  const { position } = await readPosition(log);
  await look('the responder', TOPICS.feed, 0, position.feed.next);
  await look('the responder', TOPICS.commands, 0, position.commands.next);
  await look('the copies', TOPICS.dead, 0, Number((await log.position('copy.dead')) ?? 0));
  // The last checkpoint is signed as the responder stops, and copied at the next start.
  const rest = await log.read(TOPICS.control, 0, Number((await log.position('copy.control')) ?? 0), SOME);
  const uncopied = rest.records.filter(({ value }) => !isCheckpoint(value));
  if (uncopied.length > 0) behind.push(`the copies have not read ${TOPICS.control}/0/${uncopied[0]?.offset}`);
  return behind;
}
