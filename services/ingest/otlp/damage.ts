import type { Refusal } from '../refusal.ts';

/**
 * Ends the decoding of one span or log record. The wire reader throws by itself, so below an item everything throws, and
 * `attempt` is the one place that makes a refusal of it.
 */
export class Damage extends Error {
  override readonly name = 'Damage';
  readonly refusal: Refusal;

  constructor(reason: Refusal['reason'], message: string, field?: string) {
    super(message);
    this.refusal = { kind: 'refused', reason, message, ...(field === undefined ? {} : { field }) };
  }
}

/** What `decode` makes, or why it cannot. `what` names the thing for the message. */
export function attempt<T>(what: string, decode: () => T): T | Refusal {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Damage) return error.refusal;
    // The wire reader throws these two and nothing else; anything else is a defect of ours.
    if (!(error instanceof RangeError) && Object.getPrototypeOf(error) !== Error.prototype) throw error;
    return {
      kind: 'refused',
      reason: 'schema_mismatch',
      message: `the bytes of the ${what} are no OTLP (${(error as Error).message}); look at what wrote or carried them`,
    };
  }
}

export function isRefusal(made: object): made is Refusal {
  return 'kind' in made && made.kind === 'refused';
}
