import type { DirectiveView } from '../../../schemas/api/directives.ts';
import type { FindingMatch } from '../../../schemas/directive.ts';
import { instant, minute, printable, type Terminal } from '../terminal.ts';
import { fact, shortId } from './words.ts';

const MATCHES_SHOWN = 3;

export function showDirectives(terminal: Terminal, directives: readonly DirectiveView[]): void {
  terminal.table(
    ['directive', 'state', 'what', 'about', 'until (UTC)', 'author', 'reason'],
    directives.map((one) => [
      shortId(one.uid),
      stateText(terminal, one),
      effectText(one),
      scopeText(one),
      one.expires === undefined ? 'ended by hand' : minute(one.expires),
      printable(one.author, 40),
      printable(one.reason, 80),
    ]),
    { flexible: 3 },
  );
}

export function showDirective(terminal: Terminal, one: DirectiveView): void {
  terminal.line(`${stateWords(one)}: ${effectText(one)}`);
  fact(terminal, 'directive', one.uid);
  fact(terminal, 'about', scopeText(one));
  fact(terminal, 'until', one.expires === undefined ? 'somebody ends it' : instant(one.expires));
  fact(terminal, 'reason', `${printable(one.reason, 400)} (${printable(one.author)})`);
  if (one.ended === undefined) return;
  const { by, when, reason } = one.ended;
  fact(terminal, 'ended', `by ${printable(by.subject)} at ${instant(when)}: ${printable(reason, 400)}`);
}

const stateWords = ({ state }: DirectiveView): string =>
  state === 'in_force' ? 'In force' : state === 'ended' ? 'Ended' : 'Expired';

function stateText(terminal: Terminal, { state }: DirectiveView): string {
  return state === 'in_force' ? terminal.style('yellow', 'in force') : terminal.style('dim', state);
}

/** What it does, in a few words. */
export function effectText({ effect }: DirectiveView): string {
  switch (effect.kind) {
    case 'suppress':
      return 'opens no alert';
    case 'watch':
      return 'alerts again at once';
    case 'budget':
      return `${effect.alerts_per_1000_identity_days} alerts per 1,000 identity-days`;
    case 'detector_offset':
      return `${effect.offset_bits} bits for ${printable(effect.detector)}`;
    case 'detector_mute':
      return `${printable(effect.detector)} is muted`;
    case 'change': {
      const version = effect.version === undefined ? '' : ` to version ${printable(effect.version)}`;
      return `change of ${effect.touches.join(', ')}${version}, learned after ${effect.sessions} sessions`;
    }
  }
}

export function scopeText({ scope }: DirectiveView): string {
  const { identity, peer_group, matches = [] } = scope;
  const whom =
    identity !== undefined
      ? printable(identity, 48)
      : peer_group !== undefined
        ? `peer group ${printable(peer_group, 48)}`
        : 'everybody';
  if (matches.length === 0) return whom;
  const more = matches.length > MATCHES_SHOWN ? ` and ${matches.length - MATCHES_SHOWN} more` : '';
  return `${whom}: ${matches.slice(0, MATCHES_SHOWN).map(matchText).join('; ')}${more}`;
}

function matchText({ detector, pattern, subject }: FindingMatch): string {
  const named = [
    ...(pattern === undefined ? [] : [printable(pattern, 48)]),
    ...(detector === undefined ? [] : [`by ${printable(detector, 48)}`]),
    ...(subject === undefined ? [] : [`${printable(subject.kind, 24)} ${printable(subject.value, 80)}`]),
  ];
  return named.join(' ');
}
