import { type Command, Option } from 'commander';
import { Alert, SEVERITIES } from '../../../schemas/alert.ts';
import { systemClock } from '../../platform/clock.ts';
import { isUnreachable } from '../client.ts';
import { asksService } from '../connection.ts';
import { type Interrupt, interruptible } from '../interrupt.ts';
import { EXIT } from '../problem.ts';
import { inSession, type Session, wholeNumber } from '../session.ts';
import { whatOf } from '../show/alerts.ts';
import { severityText, shortId } from '../show/words.ts';
import { instant, printable, type Terminal } from '../terminal.ts';

type Options = {
  readonly severityMin?: string;
  readonly identity?: string;
  readonly from: 'now' | 'start';
  readonly count?: number;
};

const PAUSE_MS = 1000;
const PAUSE_MS_MAX = 30_000;

export function registerTail(program: Command): void {
  const command = program
    .command('tail')
    .summary('follow alerts as they come')
    .description(
      'Shows every alert revision as it comes, until Ctrl-C. A connection that breaks off is opened again where it was: no ' +
        'revision is left out and none comes twice.',
    )
    .addOption(new Option('--severity-min <severity>', 'from this severity on').choices(SEVERITIES))
    .option('--identity <id>', 'of one identity')
    .addOption(new Option('--from <where>', 'where to begin').choices(['now', 'start']).default('now'))
    .option('--count <n>', 'end after so many', wholeNumber(1, 1_000_000))
    .addHelpText('after', '\nExample:\n  countersign tail --severity-min high --json | jq -r .title');
  asksService(command).action(inSession<Options>(tail));
}

async function tail(session: Session<Options>): Promise<void> {
  const interrupt = interruptible();
  try {
    await follow(session, interrupt);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
  } finally {
    interrupt.done();
  }
  // It has no other end, so Ctrl-C is not a failure.
  if (interrupt.signal.aborted) process.exitCode = EXIT.done;
}

async function follow(session: Session<Options>, { signal }: Interrupt): Promise<void> {
  const { client, terminal, options } = session;
  const { severityMin, identity, from, count = Number.POSITIVE_INFINITY } = options;
  const query = { severity_min: severityMin, identity, from };
  let last_id: string | undefined;
  let shown = 0;
  let pause_ms = PAUSE_MS;
  let opened = false;
  while (!signal.aborted) {
    try {
      for await (const event of client.stream('/v1/alerts/stream', query, signal, last_id)) {
        opened = true;
        pause_ms = PAUSE_MS;
        if (event.id !== '') last_id = event.id;
        if (event.event !== 'alert' || event.data === '') continue;
        showRevision(terminal, Alert.parse(JSON.parse(event.data)));
        if (++shown >= count) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      const passing = isUnreachable(error) || error instanceof TypeError;
      if (!opened || !passing) throw error;
    }
    if (signal.aborted) return;
    terminal.note(`The stream ended; it is opened again in ${pause_ms / 1000} s.`);
    await systemClock.sleep(pause_ms, signal);
    pause_ms = Math.min(PAUSE_MS_MAX, pause_ms * 2);
  }
}

function showRevision(terminal: Terminal, alert: Alert): void {
  terminal.record(alert);
  const state =
    alert.status === 'closed' ? `closed (${alert.closed_reason ?? 'unknown'})` : `revision ${alert.revision}`;
  terminal.line(
    `${instant(alert.updated)}  ${shortId(alert.uid)}  ${severityText(terminal, alert.severity)}  ` +
      `${terminal.style('bold', printable(alert.identity.id, 64))} ${whatOf(alert)}  ${terminal.style('dim', state)}`,
  );
}
