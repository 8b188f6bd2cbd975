import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { RecordedFacts, Stream, Variant } from './facts.ts';

const run = promisify(execFile);
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Where recorded streams and their referee lie, seen from the checkout. */
export type Place = { readonly traces: string; readonly referee: string };

export const placeBeside = (root: string): Place => ({
  traces: resolve(root, '../shared/data/agent-traces'),
  referee: resolve(root, '../shared/tools/evaluate.py'),
});

const EVENTS = '.events.ndjson.gz';

/** The streams that lie there whole, by name; none where there is no such place. */
export function streamsAt({ traces, referee }: Place): Stream[] {
  if (!existsSync(traces) || !existsSync(referee)) return [];
  return readdirSync(traces)
    .filter((file) => file.endsWith(EVENTS))
    .sort()
    .map((file) => {
      const name = file.slice(0, -EVENTS.length);
      const prefix = join(traces, name);
      return { name, prefix, events: join(traces, file), session_labels: `${prefix}.session_labels.ndjson.gz` };
    })
    .filter(({ session_labels }) => existsSync(session_labels));
}

/** The referee is a program for Python. */
export async function canJudge(): Promise<boolean> {
  return run('python3', ['--version']).then(
    () => true,
    () => false,
  );
}

/** What the referee says of one run. Shares of sessions; delay in events from the first bad call. */
export type Judged = {
  readonly stream: string;
  readonly variant: Variant;
  readonly poisoned_sessions: number;
  readonly auroc: number;
  readonly recall_at_1: number;
  readonly recall_at_5: number;
  /** Median at 1 % false positives; undefined where nothing was caught. */
  readonly delay_events: number | undefined;
  /** By alerts at the shipped budget. */
  readonly budget: {
    readonly alerts: number;
    readonly alerts_per_1000: number;
    readonly precision: number;
    readonly recall: number;
    readonly delay_events: number | undefined;
  };
};

/** Asks the referee. Rejects when it cannot be run, or says nothing that can be read. */
export async function judge(place: Place, facts: RecordedFacts): Promise<Judged> {
  const ask = async (scores: string, ...more: readonly string[]): Promise<Verdict> => {
    const args = [place.referee, facts.stream.prefix, scores, ...more];
    const { stdout } = await run('python3', args, { maxBuffer: OUTPUT_BYTES_MAX });
    return parseVerdict(stdout);
  };
  const ranked = await ask(facts.scores);
  const false_a_day = (0.01 * ranked.negatives) / ranked.identity_days;
  const atOne = await ask(facts.scores, '--budget', String(false_a_day));
  const alerted = await ask(facts.alerted, '--threshold', '0.5');
  return {
    stream: facts.stream.name,
    variant: facts.variant,
    poisoned_sessions: facts.poisoned_sessions,
    auroc: ranked.auroc,
    recall_at_1: ranked.recall_at_1,
    recall_at_5: ranked.recall_at_5,
    delay_events: atOne.delay_events,
    budget: {
      alerts: facts.alerts,
      alerts_per_1000: Math.round((facts.alerts / Math.max(1, facts.identity_days)) * 10_000) / 10,
      precision: alerted.precision,
      recall: alerted.recall,
      delay_events: alerted.delay_events,
    },
  };
}

export type Verdict = {
  readonly identity_days: number;
  readonly negatives: number;
  readonly auroc: number;
  readonly recall_at_1: number;
  readonly recall_at_5: number;
  readonly recall: number;
  readonly precision: number;
  readonly delay_events: number | undefined;
};

/** The referee speaks to people: its lines are its interface. Throws where one of them is not as it was. */
export function parseVerdict(text: string): Verdict {
  const after = (words: string): string => {
    const found = new RegExp(`${words} ([-0-9.]+|None|nan)`).exec(text)?.[1];
    if (found === undefined) throw new Error(`the referee says nothing of ${words}`);
    return found;
  };
  const numberAfter = (words: string): number => Number(after(words));
  const delay = after('delay events median');
  return {
    identity_days: numberAfter('identity-days'),
    negatives: numberAfter('test sessions: negative'),
    auroc: numberAfter('AUROC'),
    recall_at_1: numberAfter('recall@1%FPR'),
    recall_at_5: numberAfter('recall@5%FPR'),
    recall: numberAfter('threshold [-0-9.e+]+: recall'),
    precision: numberAfter('precision'),
    delay_events: delay === 'None' ? undefined : Number(delay),
  };
}
