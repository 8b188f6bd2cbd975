import { randomBytes } from 'node:crypto';
import { BUILT_IN_POLICY, type ContainmentPolicy, definePolicy } from '../../contain/policy.ts';
import { runResponder } from '../../contain/responder.ts';
import { bootstrapCredentials, type Credential } from '../../control/bootstrap.ts';
import { systemClock } from '../../platform/clock.ts';
import { TOPICS } from '../../platform/event-log.ts';
import { auditingOf, handingOutOf } from './audit-role.ts';
import type { Control } from './control.ts';
import { openExecutors } from './executors.ts';
import type { Ground } from './foundation.ts';
import { holdOffice, type Office } from './office.ts';

/** The responder, in the one process that holds the office; and who makes the keys of a first start. */
export type ContainRole = {
  readonly office: Office;
  /** Resolves once it is settled who there is: with the first keys where this process made them, else with none. */
  readonly credentials: Promise<readonly Credential[]>;
};

/** Throws a Problem where the configured executor cannot be. */
export function startContain(ground: Ground, control: Control): ContainRole {
  const { log, telemetry } = ground;
  const clock = systemClock;
  const executors = openExecutors(ground, clock);
  const policy = policyOf(ground);
  const audit = auditingOf(ground);
  const handOut = handingOutOf(ground);
  const credentials = Promise.withResolvers<readonly Credential[]>();
  let making = false;
  const work = async (signal: AbortSignal): Promise<void> => {
    making = true;
    credentials.resolve(await bootstrapCredentials(log, { clock, randomBytes }));
    const newInstance = (): string => randomBytes(8).toString('hex');
    await handOut(signal, (either) =>
      runResponder({ log, clock, telemetry, policy, executors, newInstance, audit }, either),
    );
  };
  const office = holdOffice({ name: 'contain', log, clock, telemetry, topic: TOPICS.commands, work });
  // Another process may have made them, or a start before this one.
  void whenPeopled(control).then(() => {
    if (!making) credentials.resolve([]);
  });
  return { office, credentials: credentials.promise };
}

/** Resolves once the control log knows somebody. */
function whenPeopled({ view }: Control): Promise<void> {
  return new Promise((resolve) => {
    if (view.state.principals.size > 0) return resolve();
    const unlisten = view.listen(() => {
      if (view.state.principals.size === 0) return;
      unlisten();
      resolve();
    });
  });
}

/** The built-in policy with what the configuration asks beyond it. Its version says which of both it is. */
export function policyOf({ config }: Pick<Ground, 'config'>): ContainmentPolicy {
  const { approvals, approval_expiry_ms, execution_expiry_ms, effect_grace_ms, effect_watch_ms } = config.contain;
  const policy = { ...BUILT_IN_POLICY, approvals, approval_expiry_ms, execution_expiry_ms };
  const changed = (['approvals', 'approval_expiry_ms', 'execution_expiry_ms'] as const).some(
    (name) => policy[name] !== BUILT_IN_POLICY[name],
  );
  const version = `config-${approvals}-${approval_expiry_ms}-${execution_expiry_ms}`;
  // What is watched afterwards is no part of what people agree on, and so not of its version.
  const asked = changed ? { ...policy, version } : BUILT_IN_POLICY;
  return definePolicy({ ...asked, effect_grace_ms, effect_watch_ms });
}
