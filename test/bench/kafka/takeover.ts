import { join } from 'node:path';
import { systemClock } from '../../../services/platform/clock.ts';
import { startFront } from '../../support/clickhouse-http-front.ts';
import { removeTopics } from './cluster.ts';
import type { PartArguments } from './messages.ts';
import { CROWD_EVENTS } from './parts/crowd-events.ts';
import { startPart, until } from './processes.ts';
import { PARTITIONS } from './sizes.ts';
import type { Stage } from './stage.ts';

/** From the death of a process by SIGKILL until another one has applied a new record of each of its partitions. */
export type Takeover = {
  readonly identities: number;
  /** The group notices after so long that the process is dead: a setting. */
  readonly session_timeout_ms: number;
  /** Until the other process was told of all partitions. */
  readonly assigned_ms: number;
  /** From there until it had applied the new record of the last of them. */
  readonly applied_ms: number;
};

const SESSION_MS = 6_000;

/** Both processes work on one ClickHouse, which is chDB behind HTTP: the embedded store is one process's alone. */
export async function measureTakeover({ brokers, directory, size }: Stage, round: number): Promise<Takeover> {
  const name = `takeover-${round}`;
  const front = await startFront();
  const given = (part: PartArguments['part'], own: string): PartArguments => ({
    part,
    size,
    brokers,
    name,
    topics: {},
    data: join(directory, `${name}-${own}`),
    session_timeout_ms: SESSION_MS,
    store_url: front.url,
    report_ms: 5,
  });
  const crowd = startPart(given('crowd', 'crowd'));
  const holder = startPart(given('detect', 'holder'));
  const heir = startPart({ ...given('detect', 'heir'), joins_late: true });
  const processes = [crowd, holder, heir];
  try {
    await until(processes, () => true);
    await until([holder], ({ processes: [standing] }) => standing?.held[0] === PARTITIONS);
    holder.tell('go');
    const before = size.takeover_identities * CROWD_EVENTS;
    await until([holder], ({ done, durable }) => done >= before && durable);
    const killed_ms = systemClock.elapsed();
    await holder.kill();
    heir.tell('go');
    crowd.tell('go');
    const assigned = await until([heir], ({ processes: [standing] }) => standing?.held[0] === PARTITIONS);
    const applied = await until([heir], ({ done }) => done >= before + PARTITIONS);
    await heir.stop();
    await crowd.stop();
    return {
      identities: size.takeover_identities,
      session_timeout_ms: SESSION_MS,
      assigned_ms: assigned.at_ms - killed_ms,
      applied_ms: applied.at_ms - assigned.at_ms,
    };
  } finally {
    await Promise.all(processes.map((process) => process.kill()));
    await front.close();
    await removeTopics(given('detect', 'heir'));
  }
}
