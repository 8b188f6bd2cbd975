import { openFoundation } from '../../../../services/cli/service/foundation.ts';
import { openService } from '../../../../services/cli/service/service.ts';
import { TOPICS } from '../../../../services/platform/event-log.ts';
import { silentTelemetry } from '../../../../services/platform/telemetry.ts';
import { configOf } from '../cluster.ts';
import { type Gate, gate } from '../gate.ts';
import { appliedBy } from './applied.ts';
import type { OpenPart } from './part.ts';

/** `countersign up` in all roles, short of the listening socket: the raw topic to rows, state and manifests in the store. */
export const openRoad: OpenPart = async (given) => {
  let gated: Gate | undefined;
  const service = await openService(configOf(given), silentTelemetry(), async (...opening) => {
    const foundation = await openFoundation(...opening);
    gated = gate(foundation.log, [TOPICS.raw, TOPICS.events], given);
    return { ...foundation, log: gated.log };
  });
  const { detection } = service.parts;
  return {
    get held() {
      return gated?.held ?? [];
    },
    get progress() {
      return appliedBy(detection);
    },
    go: async () => gated?.open(),
    settle: async () => detection?.runner.checkpoint(),
    close: service.stop,
  };
};
