import type { Alert } from '../../../schemas/alert.ts';
import type { ContainmentView, ExecutorView } from '../../../schemas/api/containments.ts';
import type { EventView } from '../../../schemas/api/events.ts';
import type { Containment } from '../../../schemas/containment.ts';
import type { Problem, Viewer } from './frame.ts';
import type { Ways } from './ways.ts';

/** The alert in the revision that the terms are bound to, as the store has it. */
export type Frozen =
  | {
      readonly kind: 'read';
      readonly alert: Alert;
      readonly evidence: readonly EventView[];
      /** Whether the stored revision says what the terms say. */
      readonly agrees: boolean;
    }
  | { readonly kind: 'absent'; readonly why: string };

/** What carrying it out would send and whom it would hit, from our own data. */
export type Preview = {
  /** In the words of the executor, without secrets; absent where none can carry it out. */
  readonly dry_run?: string;
  readonly reach: readonly { readonly name: string; readonly values: readonly string[]; readonly note?: string }[];
  /** Why there is no more. */
  readonly missing?: string;
};

/** How somebody proves anew that it is them: at their provider, or with a local password. */
export type StepUpWay = { readonly kind: 'oidc'; readonly provider: string } | { readonly kind: 'password' };

/** All that the page of one containment shows. */
export type ContainmentPage = {
  readonly viewer: Viewer;
  readonly now: number;
  readonly containment: ContainmentView;
  readonly executor: ExecutorView;
  readonly frozen: Frozen;
  /** The newest revision of the alert, where it is newer than that of the terms. */
  readonly newer?: Alert;
  readonly preview?: Preview;
  /** Containments that take this one back. */
  readonly taken_back_by: readonly Pick<Containment, 'id' | 'state'>[];
  readonly ways: Ways;
  /** Until when the viewer's fresh authentication for exactly these terms counts; absent: there is none. */
  readonly fresh_until?: number;
  readonly step_up: StepUpWay;
  /** Name of the command that a form on this page becomes: sent twice, it is done once. */
  readonly once: string;
  readonly problem?: Problem;
};
