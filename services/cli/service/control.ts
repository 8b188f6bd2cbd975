import { ControlLogBroken, ControlLogTruncated } from '../../control/chain.ts';
import { type CommandBus, createCommandBus } from '../../control/command-bus.ts';
import { createGapPort } from '../../control/gaps.ts';
import { type ControlView, openControlView } from '../../control/view.ts';
import { systemClock } from '../../platform/clock.ts';
import type { EventLog } from '../../platform/event-log.ts';
import type { GapPort } from '../../platform/gaps.ts';
import { Problem } from '../problem.ts';

/** The control log as one process sees it, and the ways to have something decided. Every process has them. */
export type Control = {
  readonly view: ControlView;
  readonly bus: CommandBus;
  readonly gaps: GapPort;
  /** Resolves with the reason when the view can read no further: the process then knows less than it should. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
};

export async function openControl(log: EventLog): Promise<Control> {
  const clock = systemClock;
  const view = await openControlView(log, clock).catch((error: unknown) => {
    if (!(error instanceof ControlLogBroken) && !(error instanceof ControlLogTruncated)) throw error;
    throw new Problem(error.code, error.message);
  });
  return {
    view,
    bus: createCommandBus({ log, view, clock }),
    gaps: createGapPort({ log, clock, view }),
    failed: new Promise((resolve) => {
      void view.stopped.then((end) => {
        if (end.kind === 'failed') resolve(new Error('the control log cannot be read', { cause: end.error }));
      });
    }),
    close: () => view.close(),
  };
}

/** Containments that wait for people, for those who count them. */
export function pendingContainments(view: ControlView): number {
  let pending = 0;
  for (const containment of view.state.containments.values()) if (containment.state === 'pending') pending++;
  return pending;
}
