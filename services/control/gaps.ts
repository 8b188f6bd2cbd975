import type { Command } from '../../schemas/command.ts';
import type { GapIncident } from '../../schemas/gap.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import type { Clock } from '../platform/clock.ts';
import { type EventLog, TOPICS } from '../platform/event-log.ts';
import type { GapPort } from '../platform/gaps.ts';
import { isHidden, unclosedAt } from './gap-states.ts';
import type { ControlView } from './view.ts';

type Body<T> = T extends Command ? Omit<T, 'id' | 'by' | 'credential' | 'time'> : never;

/**
 * Gaps by way of the control log, for a process of any role: what it tells becomes a durable command in the name of the
 * system, whether a responder runs or not; what was decided is read from the view.
 */
export function createGapPort(seams: {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly view: Pick<ControlView, 'state' | 'listen'>;
}): GapPort {
  const { log, clock, view } = seams;
  const known = (id: string): GapIncident | undefined => view.state.gaps.get(id);

  const tell = async (id: string, body: Body<Command>): Promise<void> => {
    const by = { issuer: SYSTEM.issuer, subject: SYSTEM.subject };
    const value = Buffer.from(JSON.stringify({ ...body, id, by, time: clock.now() }));
    await log.transact({ records: [{ topic: TOPICS.commands, partition: 0, key: id, value }] });
  };
  const close = async (one: GapIncident, resumed_at: number): Promise<void> => {
    if (one.state === 'closed') return;
    await tell(`gap-close:${one.gap.id}:${one.since}`, { type: 'close_gap', gap: one.gap.id, resumed_at });
  };

  return {
    async report(gap) {
      const before = known(gap.id);
      // Closed without a decision it can come back, and then needs one: a command of its own.
      if (before !== undefined && (before.state !== 'closed' || before.decision !== undefined)) return;
      await tell(`gap-report:${gap.id}:${before?.closed?.when ?? 0}`, { type: 'report_gap', gap });
    },
    decision: (id) => known(id)?.decision?.resume,
    changed: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const done = (): void => {
          unlisten();
          signal.removeEventListener('abort', done);
          resolve();
        };
        const unlisten = view.listen(({ record }) => {
          if (record.kind === 'gap_decided') done();
        });
        signal.addEventListener('abort', done, { once: true });
      }),
    async closed(id, resumed_at) {
      const one = known(id);
      if (one !== undefined) await close(one, resumed_at);
    },
    hidden(place, evidence) {
      const left = unclosedAt(view.state.gaps, place);
      return left !== undefined && isHidden(left, evidence) ? left.gap : undefined;
    },
    async working(place, offset) {
      const left = unclosedAt(view.state.gaps, place);
      if (left !== undefined) await close(left, offset);
    },
  };
}
