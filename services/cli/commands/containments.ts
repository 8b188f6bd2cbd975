import { type Command, Option } from 'commander';
import { ContainmentPage } from '../../../schemas/api/containments.ts';
import { CONTAINMENT_STATES } from '../../../schemas/containment.ts';
import { Effect } from '../../../schemas/effect.ts';
import { asksService } from '../connection.ts';
import { invocation } from '../invocation.ts';
import { readContainment } from '../lookup.ts';
import { collectPages, type PagingOptions, paged } from '../paging.ts';
import { inSession, type Session } from '../session.ts';
import { showContainment, showContainments } from '../show/containment.ts';

const EFFECT_STATES = Effect.shape.state.options;

type Options = PagingOptions & { readonly state: string; readonly effect?: string; readonly identity?: string };

export function registerContainments(program: Command): void {
  const list = program
    .command('containments')
    .summary('list proposed containments')
    .description('Lists containments, newest first: those that can still change, unless --state says otherwise.')
    .addOption(new Option('--state <state>', 'which').choices(['open', 'all', ...CONTAINMENT_STATES]).default('open'))
    .addOption(new Option('--effect <state>', 'of any state, by what telemetry says of it').choices(EFFECT_STATES))
    .option('--identity <id>', 'of one identity')
    .addHelpText('after', '\nExample:\n  countersign containments --state pending');
  asksService(paged(list)).action(inSession<Options>(containments));
  const one = program
    .command('containment')
    .summary('show one containment, its votes and its execution')
    .description('Shows one containment: what it would do and why, who voted, and what came of it.')
    .argument('<id>', 'id of the containment, or its beginning')
    .addHelpText('after', '\nExample:\n  countersign containment 0c6e2d1f48');
  asksService(one).action(inSession<object>(containment));
}

async function containments({ client, terminal, options }: Session<Options>): Promise<void> {
  const { effect, identity } = options;
  // What telemetry speaks of has been carried out, and so is not open any more.
  const state = effect === undefined ? options.state : 'all';
  let executor: string | undefined;
  const found = await collectPages(
    terminal,
    options,
    async (page) => {
      const answer = await client.get('/v1/containments', ContainmentPage, {
        identity,
        effect,
        ...(state !== 'all' && { state }),
        ...page,
      });
      executor = answer.executor.state === 'configured' ? undefined : answer.executor.message;
      return answer;
    },
    (one) => terminal.record(one),
  );
  if (found.length === 0) return terminal.line(state === 'open' ? 'No containment waits for anybody.' : 'None.');
  showContainments(terminal, found);
  terminal.line();
  if (executor !== undefined) terminal.paragraph(terminal.style('yellow', `Note: ${executor}`));
  const pending = found.find((one) => one.state === 'pending');
  if (pending !== undefined) terminal.line(`To decide: ${invocation()} approve|deny ${pending.id.slice(0, 10)}`);
}

async function containment({ client, terminal }: Session<object>, id = ''): Promise<void> {
  const answer = await readContainment(client, id);
  terminal.record(answer);
  if (!terminal.json) showContainment(terminal, answer.containment, answer.executor);
}
