import type { Alert } from '../../schemas/alert.ts';
import type { DirectiveView } from '../../schemas/api/directives.ts';
import type { FindingMatch } from '../../schemas/directive.ts';
import type { Finding } from '../../schemas/finding.ts';
import { LIMITS } from '../../schemas/limits.ts';
import { type DirectiveStanding, standingAt } from '../control/directives.ts';
import type { ControlState } from '../control/state.ts';
import { defined } from './defined.ts';
import type { Ports } from './ports.ts';

/** How what people told detection looks from the outside; `now` in epoch milliseconds. */
export function directiveView(standing: DirectiveStanding, now: number): DirectiveView {
  const { directive, ended } = standing;
  return { ...directive, state: standingAt(standing, now), ...defined({ ended }) };
}

/** The peer group that an identity is in when it says nothing of it is that of its kind (detectors/contract.ts). */
export function groupOf({
  peer_group,
  kind,
}: {
  readonly peer_group?: string | undefined;
  readonly kind: string;
}): string {
  return peer_group ?? `kind:${kind}`;
}

type Whom = { readonly tenant: string; readonly identity: string; readonly group: string | undefined };

/** Those in force that concern an identity, by itself, through its group or with its whole tenant; newest first. */
export function directivesOn(state: ControlState, { tenant, identity, group }: Whom, now: number): DirectiveView[] {
  const found: DirectiveView[] = [];
  for (const standing of state.directives.values()) {
    const { directive } = standing;
    if (directive.tenant !== tenant || standingAt(standing, now) !== 'in_force') continue;
    const { identity: named, peer_group } = directive.scope;
    if (named !== undefined ? named !== identity : peer_group !== undefined && peer_group !== group) continue;
    found.push(directiveView(standing, now));
  }
  return found.reverse().slice(0, LIMITS.page_items_max);
}

/** What keeps findings of an identity from being heard, in words; undefined where nothing does. */
export function mutedText(directives: readonly DirectiveView[]): string | undefined {
  const silencing = directives.filter(({ effect }) => effect.kind === 'suppress' || effect.kind === 'detector_mute');
  if (silencing.length === 0) return undefined;
  const ends = silencing.flatMap(({ expires }) => expires ?? []);
  const until = ends.length === 0 ? '' : `, the last until ${new Date(Math.max(...ends)).toISOString()}`;
  return `people have muted some of its findings: ${silencing.length} in force${until}`;
}

/** What an alert shows, each once, the strongest first. */
export function matchesOf(findings: readonly Finding[]): FindingMatch[] {
  const matches = new Map<string, FindingMatch>();
  for (const { pattern, subject } of findings) {
    const bounded = subject !== undefined && subject.value.length <= LIMITS.resource_id_chars_max ? subject : undefined;
    matches.set(JSON.stringify([pattern, bounded?.kind, bounded?.value]), {
      pattern,
      ...(bounded !== undefined && { subject: { kind: bounded.kind, value: bounded.value } }),
    });
  }
  return [...matches.values()].slice(0, LIMITS.directive_matches_max);
}

type Seams = Pick<Ports, 'control' | 'clock'>;

/** The directive that the last verdict on the alert has set. */
export function leftBehind(uid: string, { control, clock }: Seams): DirectiveView | undefined {
  const found = [...control.state.directives.values()].findLast(({ directive }) => directive.cause?.alert_uid === uid);
  return found && directiveView(found, clock.now());
}

/** Those that concern the alert's identity now, and those that its verdicts left behind, over or not. */
export function directivesAround({ uid, tenant, identity }: Alert, { control, clock }: Seams): DirectiveView[] {
  const now = clock.now();
  const concerned = directivesOn(control.state, { tenant, identity: identity.id, group: groupOf(identity) }, now);
  const known = new Set(concerned.map((directive) => directive.uid));
  const over = [...control.state.directives.values()]
    .filter(({ directive }) => directive.cause?.alert_uid === uid && !known.has(directive.uid))
    .map((standing) => directiveView(standing, now));
  return [...concerned, ...over.reverse()];
}
