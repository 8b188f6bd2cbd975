import type { Detection } from '../../../../services/cli/service/detection.ts';
import { startDetection } from '../../../../services/cli/service/detection.ts';
import { openFoundation } from '../../../../services/cli/service/foundation.ts';
import { TOPICS } from '../../../../services/platform/event-log.ts';
import { silentTelemetry } from '../../../../services/platform/telemetry.ts';
import { configOf } from '../cluster.ts';
import { gate } from '../gate.ts';
import { appliedBy } from './applied.ts';
import type { OpenPart } from './part.ts';

/** The role `detect` of the service: events of the log to rows, state and manifests in the store. */
export const openDetect: OpenPart = async (given) => {
  const foundation = await openFoundation(configOf(given), silentTelemetry());
  const gated = gate(foundation.log, [TOPICS.events], given);
  let detection: Detection | undefined;
  const starting = startDetection({ ...foundation, log: gated.log }).then((started) => {
    detection = started;
  });
  if (given.joins_late !== true) await starting;
  return {
    get held() {
      return gated.held;
    },
    get progress() {
      return appliedBy(detection);
    },
    go: gated.open,
    settle: async () => detection?.runner.checkpoint(),
    close: async () => {
      await starting;
      await detection?.stop();
      await foundation.close();
    },
  };
};
