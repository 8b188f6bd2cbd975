import type { Containment } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import type { Clock } from '../platform/clock.ts';
import {
  type ExecutionRequest,
  type ExecutionResult,
  type Executor,
  isRepeatable,
  type ProbeResult,
  requestOf,
} from './executor.ts';

type Seams = { readonly clock: Clock; readonly executor_timeout_ms: number; readonly ending: AbortSignal };

/** What one attempt came to, and whether the executor recognises another one while that is unclear. */
export type Attempted = { readonly result: ExecutionResult; readonly repeatable: boolean };

/**
 * One attempt to carry out what is durably in `dispatching`. A repeat looks first: what is done already is not asked for
 * again. After an unclear answer it looks, too, because the answer may be all that was lost. That something is not done
 * proves nothing, as the order may still be under way: it stays unclear.
 */
export async function attemptOnce(by: Executor, containment: Containment, seams: Seams): Promise<Attempted> {
  const request = requestOf(containment);
  const attempt = containment.execution?.attempts ?? 1;
  if (attempt > 1) {
    const before = await look(by, request, seams);
    if (before?.kind === 'done') {
      return settled({ kind: 'done', detail: `found done before attempt ${attempt}: ${before.detail}` });
    }
  }
  const { clock, executor_timeout_ms: timeout_ms, ending } = seams;
  const result: ExecutionResult = await within({ clock, timeout_ms, ending }, (signal) =>
    by.execute(request, attempt, signal),
  );
  if (result.kind !== 'unclear') return settled(result);
  const repeatable = isRepeatable(by);
  const after = result.nothing_sent === true ? undefined : await look(by, request, seams);
  if (after === undefined) return { result, repeatable };
  const detail = `${result.detail}; then it was looked at: ${after.detail}`;
  return after.kind === 'done'
    ? settled({ kind: 'done', detail })
    : { result: { kind: 'unclear', detail }, repeatable };
}

const settled = (result: ExecutionResult): Attempted => ({ result, repeatable: false });

/** What the target shows; undefined when the executor cannot look. Ends before the machine gives the dispatch up. */
async function look(by: Executor, request: ExecutionRequest, seams: Seams): Promise<ProbeResult | undefined> {
  const { clock, executor_timeout_ms, ending } = seams;
  const left_ms = request.deadline + executor_timeout_ms - clock.now();
  const timeout_ms = Math.max(LIMITS.executor_probe_ms_min, Math.min(executor_timeout_ms, left_ms));
  if (by.probe === undefined) return undefined;
  const probe = by.probe.bind(by);
  return within({ clock, timeout_ms, ending }, (signal) => probe(request, signal));
}

type Unclear = { readonly kind: 'unclear'; readonly detail: string };

/** What the work resolves with, or `unclear` when it takes too long: an executor that hangs must not hold the rest up. */
async function within<T>(
  bounds: { readonly clock: Clock; readonly timeout_ms: number; readonly ending: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | Unclear> {
  const { clock, timeout_ms, ending } = bounds;
  const expiry = new AbortController();
  const over = new AbortController();
  const signal = AbortSignal.any([expiry.signal, ending]);
  const timeout = clock.sleep(timeout_ms, over.signal).then((): Unclear => {
    expiry.abort();
    return { kind: 'unclear', detail: `no answer within ${timeout_ms} ms` };
  });
  const answer = work(signal).catch((error: unknown): Unclear => {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'unclear', detail: `the executor failed: ${reason}` };
  });
  const result = await Promise.race([answer, timeout]);
  over.abort();
  return result;
}
