import type { HeldEvent } from '../../../schemas/span.ts';
import type { Trace } from './traces.ts';

/** An event that waits, or that was released without an answer and is remembered in case one comes after all. */
export type Waiter = {
  readonly trace: Trace;
  /** What it waits for. */
  readonly awaits: 'identity' | 'response';
  /** Its own clock, which on recordings may lie before the one at which it came. */
  readonly at: number;
  /** Clock at which it came. */
  readonly time: number;
  readonly bytes: number;
  readonly bindings: BindingKeys | undefined;
  /** Undefined once released. */
  event: HeldEvent | undefined;
  /** Of the event that it became: for the alias. */
  key: string;
  readonly tenant: string;
  /** Identity under which it was or will be accepted when nobody says whose it is. */
  readonly identity: string;
  /** Name of the link that it waits for, and how many are behind it. */
  parked: string;
  hops: number;
  state: 'waiting' | 'released' | 'gone';
};

export type BindingKeys = { readonly conversation: string | undefined; readonly instance: string | undefined };
