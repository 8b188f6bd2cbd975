import { Command } from 'commander';
import { registerAlert } from './commands/alert.ts';
import { registerAlerts } from './commands/alerts.ts';
import { registerAudit } from './commands/audit.ts';
import { registerBacktest } from './commands/backtest.ts';
import { registerContainments } from './commands/containments.ts';
import { registerDeadLetters } from './commands/dead-letters.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDirectives } from './commands/directives.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerExecutors } from './commands/executors.ts';
import { registerGaps } from './commands/gaps.ts';
import { registerIdentities } from './commands/identities.ts';
import { registerKeys } from './commands/keys.ts';
import { registerMap } from './commands/map.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerPreview } from './commands/preview.ts';
import { registerReplay } from './commands/replay.ts';
import { registerRequests } from './commands/requests.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerSources } from './commands/sources.ts';
import { registerStatus } from './commands/status.ts';
import { registerSubscriptions } from './commands/subscriptions.ts';
import { registerTail } from './commands/tail.ts';
import { registerUp } from './commands/up.ts';
import { registerUsers } from './commands/users.ts';
import { registerVotes } from './commands/votes.ts';

/** The command line: what there is and what it is called. The commands are in `commands/`. */
export function createProgram(): Command {
  const program = new Command('countersign')
    .description(
      'Says when an AI agent stops behaving like itself, explains why, and lets humans countersign what is done.',
    )
    .option('--data <directory>', 'data directory (default: ./.countersign)')
    .option('--config <file>', 'configuration file (default: countersign.yaml in the data directory)')
    .option('--json', 'machine-readable output: NDJSON on standard output')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help to see what there is)')
    .addHelpText('after', AFTER)
    .exitOverride();
  const groups: readonly [string, readonly ((program: Command) => void)[]][] = [
    ['Run:', [registerDemo, registerUp, registerDoctor, registerStatus, registerSources]],
    ['Look:', [registerAlerts, registerAlert, registerTail, registerIdentities, registerDeadLetters]],
    [
      'Decide:',
      [registerContainments, registerPreview, registerVotes, registerRequests, registerDirectives, registerGaps],
    ],
    ['Recorded events:', [registerReplay, registerBacktest, registerSimulate, registerMap]],
    [
      'Administer:',
      [registerPolicy, registerUsers, registerKeys, registerSubscriptions, registerExecutors, registerAudit],
    ],
  ];
  program.commandsGroup('Run:').helpCommand('help [command]', 'show what a command does and takes');
  for (const [name, registers] of groups) {
    program.commandsGroup(name);
    for (const register of registers) register(program);
  }
  return program;
}

const AFTER = `
Commands that ask a running service need its API key in COUNTERSIGN_API_KEY or
in a file (--key-file), never as an argument. COMMAND --help shows an example.

Exit status:
  0 done                              3 service not reachable, or data in use
  1 failed, or a check found a fault  4 refused by the service
  2 not understood                  130 stopped by Ctrl-C`;
