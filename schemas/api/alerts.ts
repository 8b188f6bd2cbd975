import { z } from 'zod';
import { Alert } from '../alert.ts';
import { Finding } from '../finding.ts';
import { OcsfDetectionFinding } from '../ocsf/detection-finding.ts';
import { VERDICTS, Verdict } from '../verdict.ts';
import { ContainmentView, ExecutorView } from './containments.ts';
import { EventView } from './events.ts';
import { AlertHabit, Explanation, NearestSession } from './explanation.ts';
import { Comment, pageOf } from './shared.ts';

export const AlertPage = pageOf(Alert);
export const OcsfPage = pageOf(OcsfDetectionFinding);

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
  verdicts: z.array(Verdict),
  /** What would have been normal, and the past that comes nearest; absent where nothing of that is stored. */
  habit: AlertHabit.optional(),
  nearest: NearestSession.optional(),
  explanation: Explanation,
});

export const VerdictBody = z.strictObject({ verdict: z.enum(VERDICTS), comment: Comment });
export const VerdictAnswer = z.object({ alert_uid: z.string(), verdict: z.enum(VERDICTS) });

/** What a SIEM pulls. `more: true` says that the next request need not wait. */
export const PullAnswer = z.object({
  items: z.array(OcsfDetectionFinding),
  next_cursor: z.string(),
  more: z.boolean(),
});
