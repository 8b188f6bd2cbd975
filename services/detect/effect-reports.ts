import type { Command } from '../../schemas/command.ts';
import type { EffectReport } from '../../schemas/effect.ts';
import type { Outputs } from '../../schemas/outputs.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { type NewRecord, TOPICS } from '../platform/event-log.ts';

/**
 * What the partitions found, as commands to the responder. Name and bytes follow from the report, which follows from the
 * log, so one that is written again after a crash is the same command and is decided once.
 */
export function effectRecords({ effects }: Pick<Outputs, 'effects'>): NewRecord[] {
  return effects.map((report) => {
    const command: Command = {
      type: 'effect_report',
      id: commandId(report),
      by: { issuer: SYSTEM.issuer, subject: SYSTEM.subject },
      time: report.time,
      report,
    };
    return { topic: TOPICS.commands, partition: 0, key: command.id, value: Buffer.from(JSON.stringify(command)) };
  });
}

function commandId({ containment, finding, time }: EffectReport): string {
  return `effect:${containment}:${finding}:${time}`;
}
