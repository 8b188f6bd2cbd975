import type { Clock } from '../clock.ts';
import type { EventLog } from '../event-log.ts';
import type { Telemetry } from '../telemetry.ts';
import type { KafkaSettings } from './settings.ts';

/** The event log on a Kafka cluster. */
export type KafkaLog = EventLog;

export type KafkaLogOptions = {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
};
