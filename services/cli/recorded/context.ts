import type { DecideContext } from '../../ingest/core.ts';
import { normalisersOf } from '../../ingest/formats.ts';
import type { Inputs } from './inputs.ts';

/** Named source of recorded events whose format names none: the same for replay and backtest, as it is in their keys. */
export const RECORDED_ORIGIN = 'default';

/** How recorded items are decided where there is no log to write to. */
export function createIngestContext(inputs: Inputs, now_ms: number): DecideContext {
  return {
    formats: normalisersOf(inputs.format, inputs.mappings, inputs.settings),
    catalogue: inputs.catalogue,
    origin: RECORDED_ORIGIN,
    tenant: 'default',
    now_ms,
  };
}
