import type { Alert } from '../../schemas/alert.ts';
import type { Impact, StrongestEvent } from '../../schemas/alert-facts.ts';
import type { Contribution } from '../../schemas/finding.ts';
import { bytesText, counted, instant, printable, thousands } from './words.ts';

/** `: calls that send data out went through (+1), 12 surprising calls went through (+1)`. */
export function severityReasons({ grounds = [] }: Pick<Alert, 'grounds'>): string {
  if (grounds.length === 0) return '';
  const signed = (points: number): string => (points > 0 ? `+${points}` : String(points));
  return `: ${grounds.map(({ words, points }) => `${printable(words, 200)} (${signed(points)})`).join(', ')}`;
}

/** `2026-03-28T02:14:07Z export http_post on web/paste.example [public], 48.0 MB out: ok, from 203.0.113.7 (internet)`. */
export function strongestText(event: StrongestEvent): string {
  const { operation, tool, resource, resources, bytes_in, bytes_out, records, outcome, outcome_code, source } = event;
  const store = resource?.store === undefined ? '' : `${resource.store}/`;
  const secret = resource?.classification === undefined ? '' : ` [${resource.classification}]`;
  const more = resources > 1 ? ` and ${counted(resources - 1, 'more resource')}` : '';
  const sizes = [
    ...(bytes_in === undefined ? [] : [`${bytesText(bytes_in)} in`]),
    ...(bytes_out === undefined ? [] : [`${bytesText(bytes_out)} out`]),
    ...(records === undefined ? [] : [counted(records, 'record')]),
  ];
  const places = [source?.ip, source?.network, source?.workload].filter((place) => place !== undefined);
  return [
    `${instant(event.time)} ${operation}${tool === undefined || tool === operation ? '' : ` ${printable(tool, 80)}`}`,
    ...(resource === undefined ? [] : [` on ${printable(`${store}${resource.id}${secret}`, 160)}${more}`]),
    ...sizes.map((size) => `, ${size}`),
    `: ${outcome}${outcome_code === undefined ? '' : ` (${printable(outcome_code, 60)})`}`,
    ...(places.length === 0 ? [] : [`, from ${places.map((place) => printable(place, 80)).join(', ')}`]),
  ].join('');
}

/** What the surprising events did, together. */
export function impactText(impact: Impact): string {
  const { events, refused, failed, operations, classification, bytes_out, records } = impact;
  const done = events - refused - failed;
  const missed = [
    ...(refused === 0 ? [] : [`${thousands(refused)} refused`]),
    ...(failed === 0 ? [] : [`${thousands(failed)} failed`]),
  ];
  return [
    `${counted(events, 'surprising event')}${missed.length === 0 ? '' : ` (${missed.join(', ')})`}`,
    ...(done === 0 ? ['none went through'] : [`went through: ${operations.join(', ')}`]),
    ...(bytes_out === 0 ? [] : [`${bytesText(bytes_out)} out`]),
    ...(records === 0 ? [] : [counted(records, 'record')]),
    ...(classification === undefined ? [] : [`up to "${printable(classification, 60)}" data`]),
  ].join('; ');
}

/** Below it a share is not worth its name. */
const SHARE_MIN = 0.03;

/** `61 % window_volume, 20 % tool_transition, 19 % others`. */
export function shares(contributions: readonly Contribution[]): string {
  const shown = contributions.filter(({ share }) => share >= SHARE_MIN);
  const rest = 1 - shown.reduce((sum, { share }) => sum + share, 0);
  return [
    ...shown.map(({ detector, share }) => `${Math.round(share * 100)} % ${printable(detector, 60)}`),
    ...(shown.length < contributions.length && rest >= 0.005 ? [`${Math.round(rest * 100)} % others`] : []),
  ].join(', ');
}
