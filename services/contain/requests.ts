import type { Command, Outcome } from '../../schemas/command.ts';
import { type Containment, type ContainmentTerms, OPEN_STATES } from '../../schemas/containment.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { SYSTEM } from '../../schemas/principal.ts';
import { personObjection } from './amendments.ts';
import type { MachineCommand } from './decision.ts';
import { executorFor, orderOf } from './executor.ts';
import { type Draft, requestId, type TermsContext, termsOf } from './terms.ts';
import { change, machineContext, refusal, type Turn } from './turn.ts';

type Of<T extends Command['type']> = Extract<Command, { type: T }>;
type Asking = Of<'containment_request' | 'containment_rollback'>;

/** A person asks for an action because of an alert, with the alert as they have read it. It waits like any other. */
export function request(turn: Turn, command: Of<'containment_request'>): Outcome {
  const { snapshot, alert_uid, tenant, identity, action, target, parameters, why } = command;
  const known = (turn.state.byAlert.get(alert_uid) ?? []).flatMap((id) => turn.state.containments.get(id) ?? []);
  const another = known.some(({ terms }) => terms.tenant !== tenant || terms.identity.id !== identity);
  if (another || snapshot.alert.uid !== alert_uid || snapshot.identity.id !== identity) {
    return refusal('snapshot_mismatch', 'the alert is about another identity');
  }
  const asked = known.filter(({ state, terms }) => isOpen(state) && terms.origin?.kind === 'requested');
  if (asked.length >= LIMITS.requests_per_alert_max) {
    return refusal('too_many', `at most ${LIMITS.requests_per_alert_max} open requests on one alert`);
  }
  return propose(turn, command, {
    tenant,
    identity: snapshot.identity,
    recommendation: { action, target, parameters, reason: why },
    alert: snapshot.alert,
    origin: { kind: 'requested', why },
    ...(command.break_glass !== undefined && { break_glass: command.break_glass }),
  });
}

/** A person asks to take back what a containment did, or may have done. It needs approvals of its own. */
export function rollBack(turn: Turn, command: Of<'containment_rollback'>): Outcome {
  const { why } = command;
  const done = turn.state.containments.get(command.containment);
  if (done === undefined) return refusal('unknown_containment', 'no containment has this id');
  const { terms, state } = done;
  if (terms.origin?.kind === 'rollback' || (state !== 'succeeded' && state !== 'unknown')) {
    return refusal('nothing_to_roll_back', 'only what was carried out, or may have been, can be taken back');
  }
  const { tenant, identity, recommendation, alert } = terms;
  const origin = { kind: 'rollback', of: done.id, why } as const;
  const { executors } = turn.context;
  const order = orderOf({ tenant, identity, recommendation, origin });
  if (executors.length > 0 && executorFor(executors, order) === undefined) {
    return refusal('cannot_be_restored', 'no executor takes back such an action; undo it at the target itself');
  }
  return propose(turn, command, {
    tenant,
    identity,
    recommendation,
    alert,
    origin,
    ...(command.break_glass !== undefined && { break_glass: command.break_glass }),
  });
}

/** A person changes what a pending containment would do. */
export function amend(turn: Turn, command: Of<'containment_amend'>): Outcome {
  const { containment: id, digest, why, credential, by } = command;
  const current = turn.state.containments.get(id);
  if (current === undefined) return refusal('unknown_containment', 'no containment has this id');
  const { policy: _, executor: __, ...kept } = current.terms;
  const { action, target, parameters } = current.terms.recommendation;
  const draft: Draft = {
    ...kept,
    recommendation: {
      action: command.action ?? action,
      target: command.target ?? target,
      parameters: command.parameters ?? parameters,
      reason: why,
    },
    origin: { kind: 'requested', why },
  };
  const terms = termsOf(draft, termsContext(turn));
  const objection = targetObjection(draft) ?? emergencyObjection(terms);
  if (objection !== undefined) return objection;
  return decided(turn, id, command, { type: 'amend', by: { principal: by, credential }, digest, terms });
}

/** A person says what became of a containment whose outcome or effect is not clear. */
export function resolve(turn: Turn, command: Of<'containment_resolve'>): Outcome {
  const { containment, took_effect, comment, credential, by } = command;
  const asked = { type: 'resolve', by: { principal: by, credential }, took_effect, comment } as const;
  return decided(turn, containment, command, asked);
}

function propose(turn: Turn, command: Asking, draft: Draft): Outcome {
  const { state } = turn;
  const context = machineContext(turn);
  const terms = termsOf(draft, termsContext(turn));
  const person = personObjection(terms, { principal: command.by, credential: command.credential }, context);
  if (person !== undefined) return person;
  const objection = targetObjection(draft) ?? emergencyObjection(terms) ?? standsInTheWay(turn, terms);
  if (objection !== undefined) return objection;
  if (state.open.size >= LIMITS.containments_open_max) {
    return refusal('too_many', `at most ${LIMITS.containments_open_max} open containments`);
  }
  const { human } = context.standingOf(command.by, command.credential);
  const id = requestId(command.id);
  const outcome = decided(turn, id, command, { type: 'propose', id, terms, requested_by: { ...command.by, human } });
  if (outcome.kind === 'done' && terms.break_glass !== undefined) giveWay(turn, id, terms);
  return outcome;
}

/** Whoever is suspended is whom the approvers see. */
function targetObjection({ identity, recommendation: { action, target } }: Draft): Outcome | undefined {
  if (action !== 'suspend_agent' || target === identity.id) return undefined;
  return refusal('target_refused', 'suspending is about the identity itself: name its id as the target');
}

function emergencyObjection({ policy, break_glass }: ContainmentTerms): Outcome | undefined {
  if (policy.break_glass_only !== true || break_glass !== undefined) return undefined;
  return refusal('break_glass_needed', 'the policy permits it only as an emergency; say why it is one');
}

/** What asks for the same is decided first; an emergency waits for nothing but another emergency. */
function standsInTheWay({ state }: Turn, terms: ContainmentTerms): Outcome | undefined {
  for (const other of twins(state.containments.values(), terms)) {
    const done = terms.origin?.kind === 'rollback' && other.state === 'succeeded';
    const waits = isOpen(other.state) && (terms.break_glass === undefined || other.terms.break_glass !== undefined);
    if (done || waits)
      return refusal('already_proposed', `containment ${other.id} asks for the same and is ${other.state}`);
  }
  return undefined;
}

/** An emergency takes the place of what asks for the same and has no votes yet. */
function giveWay(turn: Turn, id: string, terms: ContainmentTerms): void {
  for (const other of [...twins(turn.state.containments.values(), terms)]) {
    if (other.id === id || other.state !== 'pending' || other.votes.length > 0) continue;
    const by = { principal: SYSTEM, credential: undefined };
    change(turn, other.id, { type: 'cancel', by, reason: 'superseded' }, { who: SYSTEM });
  }
}

/** Containments that ask for the same of the same identity, in the same direction. */
function* twins(all: Iterable<Containment>, terms: ContainmentTerms): Generator<Containment> {
  const asked = directed(terms);
  for (const one of all) if (directed(one.terms) === asked) yield one;
}

function directed({
  tenant,
  identity,
  recommendation: { action, target, parameters },
  origin,
}: ContainmentTerms): string {
  const of = origin?.kind === 'rollback' ? origin.of : undefined;
  const named = Object.entries(parameters).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([tenant, identity.id, action, target, named, of]);
}

const isOpen = (state: Containment['state']): boolean => OPEN_STATES.some((open) => open === state);

function termsContext({ state, context }: Turn): TermsContext {
  return { policy: context.policy, document: state.policy?.document, executors: context.executors };
}

function decided(turn: Turn, id: string, command: Command, asked: MachineCommand): Outcome {
  const decision = change(turn, id, asked, { who: command.by, command: command.id });
  if (decision.kind === 'refused') return refusal(decision.code, decision.message);
  return { kind: 'done', subject: id, state: decision.next.state };
}
