import { type GroupState, peerGroupOf, type SessionTrace } from '../../../detectors/contract.ts';
import { type StateRef, StateSlab } from '../../../detectors/state.ts';
import type { CanonicalEvent } from '../../../schemas/event.ts';
import { decodeIdentity } from '../../../services/detect/blob.ts';
import { type Decoded, isPoison } from '../../../services/detect/decode.ts';
import { identityKey } from '../../../services/platform/partitioner.ts';
import type { History } from '../history.ts';
import type { Work } from '../measure.ts';

/** One event for the model alone: everything that the worker would look up is at hand. */
type Step = {
  readonly event: CanonicalEvent;
  readonly log_ms: number;
  readonly identity: number;
  readonly session: number;
  readonly last: boolean;
  readonly group: number;
};

type Script = {
  readonly steps: readonly Step[];
  /** State keys of the identities, by number. */
  readonly identities: readonly string[];
  readonly sessions: number;
  readonly groups: number;
};

/** Advance, score, observe, and learn at the end of every session, on states as the history left them. */
export function modelWork(history: History, decoded: readonly Decoded[], bytes: number): Work {
  const { model } = history;
  const script = scriptOf(decoded);
  const prior = model.openPrior(history.prior, 'bench');
  let states: StateRef[] = [];
  let traces: SessionTrace[] = [];
  let taught: GroupState[] = [];
  return {
    events: script.steps.length,
    bytes,
    prepare: () => {
      states = statesAfter(history, script.identities);
      traces = Array.from({ length: script.sessions }, () => model.newSession());
      taught = Array.from({ length: script.groups }, () => model.newGroup());
    },
    run: () => {
      for (const { event, log_ms, identity, session: of, last, group } of script.steps) {
        const state = states[identity] as StateRef;
        const session = traces[of] as SessionTrace;
        model.advance(state, log_ms, false);
        const input = { event, log_ms, in_window: true, state, session, prior };
        model.observe(input, model.score(input));
        if (last) model.learn(state, session, taught[group] as GroupState);
      }
    },
  };
}

function statesAfter({ model, checkpoint }: History, identities: readonly string[]): StateRef[] {
  const slab = new StateSlab(model.words);
  const known = new Map(checkpoint.identities.map((blob) => [blob.key, blob]));
  return identities.map((key) => {
    const blob = known.get(key);
    return blob === undefined ? slab.take() : decodeIdentity(key, blob.version, blob.bytes, model, slab).slot;
  });
}

/** Read backwards, the first event of a session is its last. */
function scriptOf(decoded: readonly Decoded[]): Script {
  const identities = new Map<string, number>();
  const sessions = new Map<string, number>();
  const groups = new Map<string, number>();
  const numberOf = (of: Map<string, number>, name: string): number => {
    const known = of.get(name) ?? of.size;
    of.set(name, known);
    return known;
  };
  const steps = [...decoded].reverse().flatMap(({ record, log_ms }): Step[] => {
    if (isPoison(record) || record.type !== 'event') return [];
    const { event } = record;
    const key = identityKey(event.tenant, event.identity.id);
    const begun = sessions.size;
    const session = numberOf(sessions, `${key} ${event.session ?? ''}`);
    const last = sessions.size > begun;
    const identity = numberOf(identities, key);
    return [{ event, log_ms, identity, session, last, group: numberOf(groups, peerGroupOf(event)) }];
  });
  return { steps: steps.reverse(), identities: [...identities.keys()], sessions: sessions.size, groups: groups.size };
}
