import { batchBackfill } from './batch-backfill.ts';
import { boilingFrog } from './boiling-frog.ts';
import type { Story } from './contract.ts';
import { goneSilent } from './gone-silent.ts';
import { lateralMovement } from './lateral-movement.ts';
import { monthEndPeak } from './month-end-peak.ts';
import { newProject } from './new-project.ts';
import { newTeamMember } from './new-team-member.ts';
import { privilegeCreep } from './privilege-creep.ts';
import { promptInjectionHijack } from './prompt-injection-hijack.ts';
import { resourceSweep } from './resource-sweep.ts';
import { retryStorm } from './retry-storm.ts';
import { roguePlugin } from './rogue-plugin.ts';
import { sensitiveStore } from './sensitive-store.ts';
import { sharedCredential } from './shared-credential.ts';
import { slowExfiltration } from './slow-exfiltration.ts';
import { stolenCredential } from './stolen-credential.ts';
import { sustainedExfiltration } from './sustained-exfiltration.ts';
import { versionRollout } from './version-rollout.ts';
import { volumeBurst } from './volume-burst.ts';

/** Every story, in the order in which they choose their agents: the choosy ones first. */
export const STORIES: readonly Story[] = [
  slowExfiltration,
  sustainedExfiltration,
  privilegeCreep,
  sensitiveStore,
  promptInjectionHijack,
  batchBackfill,
  monthEndPeak,
  stolenCredential,
  sharedCredential,
  newTeamMember,
  resourceSweep,
  newProject,
  roguePlugin,
  volumeBurst,
  boilingFrog,
  goneSilent,
  retryStorm,
  lateralMovement,
  versionRollout,
];

/** What is injected unless stories are named: six attacks and four look-alikes. */
export const DEFAULT_STORIES: readonly string[] = [
  'slow_exfiltration',
  'prompt_injection_hijack',
  'stolen_credential',
  'resource_sweep',
  'rogue_plugin',
  'volume_burst',
  'month_end_peak',
  'new_team_member',
  'retry_storm',
  'version_rollout',
];
