import type { z } from 'zod';
import type { IdentityAnswer, IdentityView } from '../../../schemas/api/identities.ts';
import { bytesText, counted, instant, minute, printable, type Terminal, thousands } from '../terminal.ts';
import { showAlerts } from './alerts.ts';
import { isOpen, showContainments } from './containment.ts';
import { showDirectives } from './directives.ts';
import { fact, heading } from './words.ts';

type Answer = z.output<typeof IdentityAnswer>;

const DAYS_SHOWN = 7;
const NAMES_SHOWN = 6;

export function showIdentities(terminal: Terminal, identities: readonly z.output<typeof IdentityView>[]): void {
  terminal.table(
    ['identity', 'kind', 'peer group', 'events', 'sessions', 'coverage', 'first seen (UTC)', 'last seen (UTC)'],
    identities.map(({ identity, kind, peer_group, events, sessions, coverage, first_seen, last_seen }) => [
      printable(identity, 48),
      kind,
      printable(peer_group ?? '-', 32),
      thousands(events).padStart(7),
      thousands(sessions).padStart(8),
      coverage.map(({ status }) => words(status)).join(', '),
      minute(first_seen),
      minute(last_seen),
    ]),
  );
}

const words = (status: string): string => status.replaceAll('_', ' ');

/** What is known of one identity, and what is usual for it. */
export function showIdentity(terminal: Terminal, answer: Answer): void {
  const { identity, coverage, summary, baseline, open_alerts, containments, aliases } = answer;
  terminal.line(terminal.style('bold', printable(answer.identity)));
  for (const [index, { status, detail }] of coverage.entries()) {
    fact(terminal, index === 0 ? 'coverage' : '', `${words(status)}: ${printable(detail, 200)}`);
  }
  if (summary !== undefined) showSummary(terminal, summary);
  if (baseline === undefined) {
    heading(terminal, 'Baseline');
    terminal.line('  nothing is learned yet: a session teaches after it has ended');
  } else showBaseline(terminal, baseline);
  if (open_alerts.length > 0) {
    heading(terminal, 'Open alerts');
    showAlerts(terminal, open_alerts);
  }
  const open = containments.filter(isOpen);
  if (open.length > 0) {
    heading(terminal, 'Containments');
    showContainments(terminal, open);
  }
  if (answer.directives.length > 0 || answer.muted_findings > 0) {
    heading(terminal, `What people told detection (${counted(answer.muted_findings, 'finding')} muted so far)`);
    showDirectives(terminal, answer.directives);
  }
  if (aliases.length > 0) showAliases(terminal, identity, aliases);
}

function showSummary(terminal: Terminal, summary: NonNullable<Answer['summary']>): void {
  const { kind, owner, peer_group, version, events, sessions, first_seen, last_seen } = summary;
  fact(terminal, 'kind', kind);
  if (peer_group !== undefined) fact(terminal, 'peer group', printable(peer_group));
  if (owner !== undefined) fact(terminal, 'owner', printable(owner));
  if (version !== undefined) fact(terminal, 'version', printable(version));
  fact(terminal, 'seen', `${instant(first_seen)} to ${instant(last_seen)}`);
  fact(terminal, 'events', `${thousands(events)} in ${counted(sessions, 'session')}`);
  fact(terminal, 'operations', names(summary.operations));
  fact(terminal, 'tools', names(summary.tools));
  fact(terminal, 'stores', names(summary.stores));
  heading(terminal, `Last days (UTC)`);
  terminal.table(
    ['day', 'events', 'bytes in', 'bytes out', 'of unknown size'],
    summary.days
      .slice(-DAYS_SHOWN)
      .map(({ day, events: of_day, bytes_in, bytes_out, unknown_out }) => [
        day,
        thousands(of_day).padStart(6),
        bytesText(bytes_in).padStart(8),
        bytesText(bytes_out).padStart(9),
        thousands(unknown_out).padStart(15),
      ]),
  );
}

function showAliases(terminal: Terminal, identity: string, aliases: Answer['aliases']): void {
  heading(terminal, 'Whose events these turned out to be');
  terminal.table(
    ['known since (UTC)', 'events', 'accepted as', 'are of', 'trace'],
    aliases.map(({ identity: accepted_as, resolved, trace_id, count, time }) => [
      minute(time),
      thousands(count).padStart(6),
      accepted_as === identity ? 'this one' : printable(accepted_as, 48),
      resolved === identity ? 'this one' : printable(resolved, 48),
      printable(trace_id, 32),
    ]),
  );
}

function names(counts: readonly { readonly name: string; readonly count: number }[]): string {
  if (counts.length === 0) return 'none';
  const shown = counts.slice(0, NAMES_SHOWN).map(({ name, count }) => `${printable(name, 60)} ${thousands(count)}`);
  return shown.join(', ') + (counts.length > NAMES_SHOWN ? `, ${counts.length - NAMES_SHOWN} more` : '');
}

type Baseline = NonNullable<Answer['baseline']>;

function showBaseline(terminal: Terminal, baseline: Baseline): void {
  const { events, sessions, maturity, peers, relearning, baselines } = baseline;
  const leaning = maturity === 'learning' ? '; what is not known yet is taken from its peers' : '';
  heading(terminal, `Baseline (${maturity})`);
  terminal.paragraph(`learned from ${counted(events, 'event')} in ${counted(sessions, 'session')}${leaning}`, 2);
  if (peers !== undefined) terminal.paragraph(peersText(peers), 2);
  for (const { part, sessions_left } of relearning) {
    terminal.paragraph(`${part}: learned anew since a declared change, ${counted(sessions_left, 'session')} to go`, 2);
  }
  terminal.table(
    ['detector', 'what is usual', 'value'],
    baselines.map(({ detector, name, value, unit }) => [
      printable(detector),
      printable(name, 80),
      valueText(value, unit),
    ]),
    { flexible: 1 },
  );
}

function peersText({ origin, name, members, sessions, yardstick }: NonNullable<Baseline['peers']>): string {
  const whose = {
    declared: `peer group ${printable(name)}, as declared`,
    derived: `group ${printable(name)} of identities that use like tools, as none is declared`,
    kind: 'all identities of its kind, as no group is declared and none is known by its tools yet',
  }[origin];
  const taught = `${counted(sessions, 'session')} of ${counted(members, 'member')}`;
  const stead = yardstick === 'population' ? '; that is too little, so the whole population stands in' : '';
  return `peers: ${whose}; taught by ${taught}${stead}`;
}

function valueText(value: number, unit: string): string {
  if (unit === 'bytes') return bytesText(value);
  if (unit === 'probability') return `${(value * 100).toPrecision(2)} %`;
  return `${Number.isInteger(value) ? thousands(value) : value.toPrecision(3)} ${printable(unit)}`;
}
