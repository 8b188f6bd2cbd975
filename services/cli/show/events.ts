import type { EventView } from '../../../schemas/api/events.ts';
import { bytesText, printable, type Terminal } from '../terminal.ts';

/** Events as a table, in the order given. */
export function showEvents(terminal: Terminal, events: readonly EventView[]): void {
  const head = ['time (UTC)', 'action', 'resource', 'in', 'out', 'outcome', 'bits'];
  terminal.table(
    head,
    events.map(({ event, bits }) => [
      new Date(event.time).toISOString().slice(0, 19).replace('T', ' '),
      printable(`${event.action.operation} ${event.tool?.name ?? event.action.name ?? ''}`.trimEnd(), 40),
      resourcesText(event.resources),
      size(event.volume.bytes_in),
      size(event.volume.bytes_out),
      event.outcome.status,
      bits.toFixed(0).padStart(4),
    ]),
    { flexible: 2 },
  );
}

function resourcesText(resources: EventView['event']['resources']): string {
  const [first] = resources;
  if (first === undefined) return '-';
  const where = first.store === undefined ? '' : `${first.store}/`;
  const secret = first.classification === undefined ? '' : ` [${first.classification}]`;
  const more = resources.length > 1 ? ` +${resources.length - 1}` : '';
  return printable(`${where}${first.id}${secret}`, 90) + more;
}

/** An unknown size is not zero. */
const size = (bytes: number | undefined): string => (bytes === undefined ? '?' : bytesText(bytes)).padStart(7);
