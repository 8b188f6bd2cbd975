import { type Command, InvalidArgumentError, Option } from 'commander';
import { GapAnswer, GapPage } from '../../../schemas/api/gaps.ts';
import { GAP_STATES, GapReason, GapResume } from '../../../schemas/gap.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { fullGapId } from '../lookup.ts';
import { collectPages, type PagingOptions, paged } from '../paging.ts';
import { inSession, type Session } from '../session.ts';
import { showChoices, showDecided, showGaps, showOutcome } from '../show/gap.ts';

type ListOptions = PagingOptions & { readonly state: string };
type AcceptOptions = { readonly resume: string; readonly reason: string };

export function registerGaps(program: Command): void {
  const gap = program
    .command('gap')
    .summary('list gaps, and decide where to go on after one')
    .description(
      'Gaps: places where a stage cannot go on honestly, because records were deleted before they were read, a topic was ' +
        'made anew, or state was lost. What is concerned stands still until an administrator decides.',
    );
  const list = gap
    .command('list')
    .summary('list gaps')
    .description(
      'Lists gaps with what each decision would lose or repeat: those that wait for one, unless --state says otherwise.',
    )
    .addOption(new Option('--state <state>', 'which').choices([...GAP_STATES, 'all']).default('open'))
    .addHelpText('after', '\nExample:\n  countersign gap list --state all');
  asksService(paged(list)).action(inSession<ListOptions>(listAll));
  const accept = gap
    .command('accept')
    .summary('accept what a gap has lost, and say where to go on')
    .description(
      'Decides a gap: the stage goes on with the oldest record that is there (start) or behind the newest (end). ' +
        '`gap list` says what either would lose or repeat. The decision cannot be taken back; who took it and why is on ' +
        'record for good. Needs the role admin and a key of a person.',
    )
    .argument('<id>', 'id of the gap, or its beginning')
    .addOption(new Option('--resume <where>', 'where to go on').choices(GapResume.options).makeOptionMandatory())
    .requiredOption('--reason <text>', 'why, for the audit log', reasonOf)
    .addHelpText(
      'after',
      '\nExample:\n  countersign gap accept 5d41402abc4b2a76 --resume start --reason "INC-311: retention was too short"',
    );
  asksService(accept).action(inSession<AcceptOptions>(acceptOne));
}

function reasonOf(text: string): string {
  const parsed = GapReason.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`Give a reason, in words, with at most ${LIMITS.comment_chars_max} characters.`);
}

async function listAll({ client, terminal, options }: Session<ListOptions>): Promise<void> {
  const { state } = options;
  const found = await collectPages(
    terminal,
    options,
    (page) => client.get('/v1/gaps', GapPage, { ...(state !== 'all' && { state }), ...page }),
    (one) => terminal.record(one),
  );
  if (found.length === 0) return terminal.line(state === 'open' ? 'No gap waits for a decision.' : 'None.');
  showGaps(terminal, found);
  if (terminal.json) return;
  for (const one of found) {
    if (one.state === 'open') showChoices(terminal, one);
    else showOutcome(terminal, one);
  }
}

async function acceptOne({ client, terminal, options }: Session<AcceptOptions>, id = ''): Promise<void> {
  const { resume, reason } = options;
  const path = at('gaps', await fullGapId(client, id), 'decision');
  const answer = await client.send('POST', path, GapAnswer, { resume, reason });
  terminal.record(answer);
  if (!terminal.json) showDecided(terminal, answer.gap);
}
