import { openControl } from '../../../../services/cli/service/control.ts';
import { openGround } from '../../../../services/cli/service/foundation.ts';
import { startIngest } from '../../../../services/cli/service/ingest-role.ts';
import { emptyCatalogue } from '../../../../services/ingest/catalogue.ts';
import { DEFAULT_SETTINGS } from '../../../../services/ingest/settings.ts';
import { TOPICS } from '../../../../services/platform/event-log.ts';
import { silentTelemetry } from '../../../../services/platform/telemetry.ts';
import { configOf } from '../cluster.ts';
import { gate } from '../gate.ts';
import type { OpenPart } from './part.ts';

/** The role `ingest` of the service: the raw topic to events in the log. */
export const openIngest: OpenPart = async (given) => {
  const ground = await openGround(configOf(given), silentTelemetry());
  const gated = gate(ground.log, [TOPICS.raw], given);
  const control = await openControl(ground.log);
  const catalogue = emptyCatalogue();
  const inputs = { format: 'canonical', mappings: [], catalogue, settings: DEFAULT_SETTINGS } as const;
  const ingest = await startIngest({ ...ground, log: gated.log }, inputs, control.gaps);
  return {
    get held() {
      return gated.held;
    },
    get progress() {
      // Sources do not write in transactions, so offsets count records; what is shown as progress is durable.
      const done = ingest.runner.progress(TOPICS.raw).reduce((sum, { next }) => sum + next, 0);
      return { done, durable: true };
    },
    go: gated.open,
    close: async () => {
      await ingest.stop();
      await control.close();
      await ground.close();
    },
  };
};
