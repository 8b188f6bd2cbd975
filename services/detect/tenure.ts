import type { Gap } from '../../schemas/gap.ts';
import type { KnownKeys } from './known-keys.ts';
import { createPatience, type Patience } from './patience.ts';
import { type PartitionStatus, statusOf, type Taken } from './status.ts';
import type { WriterOptions } from './writer.ts';

/** A partition that is being read: the worker, and how much of what it applied is durable. */
export type Slot = Taken & {
  readonly known: KnownKeys;
  /** A checkpoint has come through since memory was freed last. */
  evictable: boolean;
  /** Log clock of this process at which a log that did not answer is asked again. */
  asked_again_ms: number;
  pause_ms: number;
};

/**
 * One partition from the moment it is given to this process until it is taken away. What is given back and taken again is
 * another tenure, with nothing in common but what is in the store.
 */
export type Tenure = {
  readonly partition: number;
  /** Aborted once nothing of it may run on, also by the end of the process. */
  readonly signal: AbortSignal;
  readonly patience: Patience;
  readonly failures: Failures;
  /** Priors that an operator decided to go on without. */
  readonly without: Set<string>;
  slot: Slot | undefined;
  gap: Gap | undefined;
  /** How it stood when it last had a worker or a manifest. */
  last: PartitionStatus | undefined;
  /** Nothing more is applied: only what was applied is still made durable. */
  leaving: boolean;
  /** Resolves when it is running, stands at a gap or has ended. */
  taking_up: Promise<void> | undefined;
  end(): void;
};

/** Offsets on which the worker failed. */
export type Failures = {
  /** Left out from now on, with the name of the error. */
  readonly skipped: Map<number, string>;
  /** Offsets among which the failure lies: they are applied one by one. */
  suspects: { readonly from: number; readonly to: number } | undefined;
  /** Failures below it were accepted by an operator. */
  accepted_below: number;
};

export function newTenure(partition: number, options: WriterOptions): Tenure {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, options.signal]);
  return {
    partition,
    signal,
    patience: createPatience({ ...options, signal }),
    failures: { skipped: new Map(), suspects: undefined, accepted_below: 0 },
    without: new Set(),
    slot: undefined,
    gap: undefined,
    last: undefined,
    leaving: false,
    taking_up: undefined,
    end: () => over.abort(),
  };
}

/** Lets go of the worker, with all that it holds and nobody has taken. */
export function dropSlot(tenure: Tenure): void {
  if (tenure.slot !== undefined) tenure.last = statusOf(tenure.partition, tenure.slot);
  tenure.slot = undefined;
}
