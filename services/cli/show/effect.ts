import type { Effect } from '../../../schemas/effect.ts';
import { counted, instant, printable, type Style, type Terminal } from '../terminal.ts';
import { fact, heading, shortId } from './words.ts';

const COLOURS: Readonly<Record<Effect['state'], Style>> = {
  watching: 'cyan',
  verified: 'green',
  failed: 'red',
  untested: 'yellow',
  needs_human: 'yellow',
};

const WORDS: Readonly<Record<Effect['state'], string>> = {
  watching: 'being watched',
  verified: 'verified: it holds',
  failed: 'failed: it does not hold',
  untested: 'untested: nobody can tell',
  needs_human: 'a person must look at the target',
};

/** In a table, beside the state of the containment. */
export function effectMark(terminal: Terminal, effect: Effect | undefined): string {
  if (effect === undefined) return '';
  const word = effect.state === 'needs_human' ? 'to be looked at' : effect.state;
  return `, ${terminal.style(COLOURS[effect.state], word)}`;
}

/** What telemetry says of a containment that was carried out. */
export function showEffect(terminal: Terminal, { state, watch, report }: Effect): void {
  heading(terminal, 'Effect');
  fact(terminal, 'effect', terminal.style(COLOURS[state], WORDS[state]));
  fact(terminal, 'must not', `${predicateText(watch.predicate)} from ${instant(watch.from)}`);
  fact(terminal, 'watched', `until ${instant(watch.until)}`);
  if (report === undefined) return;
  const { permitted, refused, others, evidence, why, alert_uid, time } = report;
  fact(terminal, 'seen', `${permitted} went through, ${refused} refused, ${counted(others, 'other event')}`);
  fact(terminal, 'which means', `${printable(why, 400)} (as of ${instant(time)})`);
  if (alert_uid !== undefined) fact(terminal, 'alert', shortId(alert_uid));
  for (const { id, time: at } of evidence) fact(terminal, 'evidence', `${printable(id)} at ${instant(at)}`);
}

function predicateText({ identity, credential, session, tool, classification }: Effect['watch']['predicate']): string {
  const about = [
    ...(tool === undefined ? [] : [`the tool ${printable(tool)}`]),
    ...(classification === undefined ? [] : [`data of class ${printable(classification)}`]),
    ...(session === undefined ? [] : [`the session ${printable(session)}`]),
    ...(credential === undefined ? [] : [`the credential ${printable(credential)}`]),
  ];
  return `${printable(identity)} ${about.length === 0 ? 'do anything' : `use ${about.join(' or ')}`}`;
}
