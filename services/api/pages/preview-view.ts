import type { BlastRadius, ContainmentPreview } from '../../../schemas/api/preview.ts';
import { counted, minute, thousands } from '../../platform/words.ts';
import type { Preview } from './containment-view.ts';
import { spanText } from './text.ts';

const NAMES_SHOWN = 4;

type Row = Preview['reach'][number];

/** The look ahead of the API in the rows of a page. */
export function previewRows({ order, blast_radius }: ContainmentPreview): Preview {
  const sent = order === undefined ? {} : { dry_run: order.dry_run };
  if (blast_radius === undefined) return { ...sent, reach: [], missing: 'no event of this identity is stored' };
  return {
    ...sent,
    reach: rowsOf(blast_radius),
    missing: `${spanText(blast_radius.to - blast_radius.from)} are looked at`,
  };
}

function rowsOf(radius: BlastRadius): Row[] {
  const { identity, target, sessions_open, credentials, tools, acts_for, days } = radius;
  const { shares_credential, delegates_to, delegated_by } = radius;
  const busiest = Math.max(0, ...days.map(({ events }) => events));
  return [
    row('Its events', counted(identity.events, 'event'), `last ${minute(identity.last_time)} UTC`),
    ...(target === undefined ? [] : [stoppedRow(target)]),
    row('Sessions', `${thousands(sessions_open)} open`, `of ${thousands(identity.sessions)}`),
    row('On its busiest day', counted(busiest, 'event')),
    ...named(
      'Tools',
      tools.map(({ name }) => name),
      identity.tools,
    ),
    ...named(
      'Credentials',
      credentials.map(({ name }) => name),
      identity.credentials,
    ),
    ...named(
      'Acts for',
      acts_for.map(({ name }) => name),
    ),
    ...named(
      'Others with its credential',
      shares_credential.map(({ identity: other }) => other),
    ),
    ...named(
      'Hands work to',
      delegates_to.map(({ identity: other }) => other),
    ),
    ...named(
      'Gets work from',
      delegated_by.map(({ identity: other }) => other),
    ),
  ];
}

/** Whoever requests may name any target: that this identity was never seen with it must not pass for harmless. */
function stoppedRow({ events, sessions, last_time }: NonNullable<BlastRadius['target']>): Row {
  if (events === 0) return row('Would have been stopped', 'nothing', NOT_ITS_OWN);
  const last = last_time === undefined ? '' : `, last ${minute(last_time)} UTC`;
  return row('Would have been stopped', counted(events, 'event'), `in ${counted(sessions, 'session')}${last}`);
}

const NOT_ITS_OWN = 'it was never seen with this target, which may be somebody else’s: ask whoever requested it';

const row = (name: string, value: string, note?: string): Row => ({
  name,
  values: [value],
  ...(note !== undefined && { note }),
});

/** Names from outside stay apart, so that none can pass for several. */
function named(name: string, all: readonly string[], count = all.length): Row[] {
  const values = [...new Set(all)].slice(0, NAMES_SHOWN);
  if (values.length === 0) return [];
  return [{ name, values, ...(count > values.length && { note: `of ${thousands(count)}` }) }];
}
