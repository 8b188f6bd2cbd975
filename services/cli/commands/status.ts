import type { Command } from 'commander';
import type { z } from 'zod';
import { StatusAnswer } from '../../../schemas/api/status.ts';
import { asksService } from '../connection.ts';
import { invocation } from '../invocation.ts';
import { EXIT } from '../problem.ts';
import { inSession, type Session } from '../session.ts';
import { fact, heading } from '../show/words.ts';
import { counted, instant, printable, type Terminal, thousands } from '../terminal.ts';

type Status = z.output<typeof StatusAnswer>;

export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .summary('how the running service fares')
    .description(
      'Shows whether the service is ready and why not, what is lost of its coverage, the sums of what came in and what ' +
        'became of it, and how far detect is behind. Ends with 1 when the service is not ready.',
    )
    .addHelpText('after', '\nExample:\n  countersign status --json | jq .sums');
  asksService(command).action(inSession<object>(status));
}

async function status({ client, terminal }: Session<object>): Promise<void> {
  const answer = await client.get('/v1/status', StatusAnswer);
  terminal.record(answer);
  if (!terminal.json) showStatus(terminal, answer, client.url);
  if (!answer.ready) process.exitCode = EXIT.failed;
}

function showStatus(terminal: Terminal, answer: Status, url: string): void {
  const { style } = terminal;
  const state = answer.ready ? style('green', 'ready') : style('red', 'not ready');
  terminal.line(`Countersign ${printable(answer.version)} at ${url} is ${state}`);
  for (const { code, message } of answer.reasons)
    terminal.paragraph(`${printable(code)}: ${printable(message, 400)}`, 2);
  showWarnings(terminal, answer);
  showSums(terminal, answer);
  const { partitions, lag, stories, stalled, containments, executor, streams } = answer;
  const resident = partitions.reduce((sum, one) => sum + one.resident, 0);
  heading(terminal, 'Detection');
  fact(terminal, 'behind', counted(lag, 'record'));
  fact(terminal, 'stories behind', counted(stories.lag, 'record'));
  fact(terminal, 'in memory', counted(resident, 'identity', 'identities'));
  fact(terminal, 'store', stalled ? style('red', 'does not take writes; they are repeated') : 'takes writes');
  terminal.table(
    ['partition', 'state', 'applied', 'durable', 'end', 'clock (UTC)'],
    partitions.map((one) => [
      String(one.partition).padStart(9),
      one.state === 'gap'
        ? style('red', `gap: ${printable(one.gap?.reason ?? 'unknown')}`)
        : `${one.state}${one.here ? '' : ' elsewhere'}`,
      thousands(one.next_offset).padStart(9),
      thousands(one.durable_offset).padStart(9),
      thousands(one.end_offset).padStart(9),
      clockText(one.watermark),
    ]),
  );
  showGapCount(terminal, answer);
  heading(terminal, 'Containment');
  fact(terminal, 'open', `${containments.open}, ${containments.ended} ended`);
  fact(terminal, 'execution', printable(executor.message, 300));
  fact(terminal, 'streams', `${streams.open} of ${streams.max} open`);
  showNotify(terminal, answer);
}

/** How those fare who are told about containments. */
function showNotify(terminal: Terminal, { notify = [] }: Status): void {
  if (notify.length === 0) return;
  heading(terminal, 'Notifications');
  for (const { channel, to, state, attempts, reason, next_attempt, given_up } of notify) {
    const next = next_attempt === undefined ? '' : `, again at ${instant(next_attempt)}`;
    const trouble = `${printable(reason ?? 'failed')}, ${counted(attempts, 'attempt')}${next}`;
    const how = state === 'idle' ? 'told' : terminal.style('red', trouble);
    const lost = given_up === 0 ? '' : terminal.style('red', `, ${counted(given_up, 'message')} given up`);
    fact(terminal, channel, `${printable(to)}: ${how}${lost}`);
  }
}

/** Nothing to say is nothing to read. */
function showWarnings(terminal: Terminal, { warnings }: Status): void {
  if (warnings.length === 0) return;
  heading(terminal, 'Warnings');
  for (const { code, message } of warnings) terminal.paragraph(`${printable(code)}: ${printable(message, 400)}`, 2);
}

function showGapCount(terminal: Terminal, { gaps }: Status): void {
  if (gaps.open + gaps.decided === 0) return;
  heading(terminal, 'Gaps');
  const open = `${counted(gaps.open, 'gap')} to decide: ${invocation()} gap list`;
  if (gaps.open > 0) fact(terminal, 'open', terminal.style('red', open));
  if (gaps.decided > 0) fact(terminal, 'decided', `${counted(gaps.decided, 'gap')}, not gone on yet`);
}

function clockText({ live, recorded }: Status['partitions'][number]['watermark']): string {
  const newest = Math.max(live, recorded);
  return newest > 0 ? `${instant(newest)}${recorded > live ? ' (recorded)' : ''}` : '-';
}

function showSums(terminal: Terminal, { sums }: Status): void {
  heading(terminal, 'Received');
  const { received, accepted, absorbed, held, dead_lettered, dead_letter_reasons, balanced } = sums;
  const verdict = balanced ? terminal.style('green', 'balanced') : terminal.style('red', 'NOT BALANCED');
  fact(
    terminal,
    'items',
    `${thousands(received)} = ${thousands(accepted)} accepted + ${thousands(absorbed)} absorbed + ` +
      `${thousands(held)} held + ` +
      `${thousands(dead_lettered)} dead-lettered (${verdict})`,
  );
  for (const [reason, count] of Object.entries(dead_letter_reasons))
    fact(terminal, '', `${printable(reason)}: ${thousands(count)}`);
}
