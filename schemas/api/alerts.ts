import { z } from 'zod';
import { Alert } from '../alert.ts';
import { DirectiveReason } from '../directive.ts';
import { Finding } from '../finding.ts';
import { LIMITS } from '../limits.ts';
import { OcsfDetectionFinding } from '../ocsf/detection-finding.ts';
import { VERDICTS, Verdict, VerdictScope } from '../verdict.ts';
import { ContainmentView, ExecutorView } from './containments.ts';
import { DirectiveView, Ending } from './directives.ts';
import { EventView } from './events.ts';
import { AlertHabit, Explanation, NearestSession } from './explanation.ts';
import { Comment, pageOf } from './shared.ts';

export const AlertPage = pageOf(Alert);
export const OcsfPage = pageOf(OcsfDetectionFinding);

/** A judgement; `undone` where it was withdrawn. */
export const VerdictView = Verdict.extend({ undone: Ending.optional() });

/** An alert on one page: what was observed, what it rests on, what is proposed, what was judged. */
export const AlertAnswer = z.object({
  alert: Alert,
  /** Oldest first; `finding_count` of the alert counts all. */
  findings: z.array(Finding),
  evidence: z.array(EventView),
  /** Events of the same sessions around the alert's time that are no evidence. */
  context: z.array(EventView),
  containments: z.array(ContainmentView),
  executor: ExecutorView,
  /** What would have been normal, and the past that comes nearest; absent where nothing of that is stored. */
  habit: AlertHabit.optional(),
  nearest: NearestSession.optional(),
  explanation: Explanation,
  verdicts: z.array(VerdictView),
  /** What people told detection about the identity and its group, and what the verdicts left behind; newest first. */
  directives: z.array(DirectiveView),
});

export const VerdictBody = z.strictObject({
  verdict: z.enum(VERDICTS),
  comment: Comment,
  scope: VerdictScope.default('alert'),
  /** How long what it leaves behind counts, in milliseconds; of use with every scope but `alert`. */
  for_ms: z.int().min(1).max(LIMITS.directive_ms_max).optional(),
});
export const VerdictAnswer = z.object({
  alert_uid: z.string(),
  verdict: z.enum(VERDICTS),
  /** What it leaves behind. */
  directive: DirectiveView.optional(),
});
export const UndoBody = z.strictObject({ reason: DirectiveReason });
export const UndoAnswer = z.object({ alert_uid: z.string(), verdict: VerdictView });

/** What a SIEM pulls. `more: true` says that the next request need not wait. */
export const PullAnswer = z.object({
  items: z.array(OcsfDetectionFinding),
  next_cursor: z.string(),
  more: z.boolean(),
});
