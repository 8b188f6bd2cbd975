import { type Command, InvalidArgumentError, Option } from 'commander';
import { DIRECTIVE_STATES, DirectiveAnswer, DirectivePage } from '../../../schemas/api/directives.ts';
import { DirectiveReason, TOUCHES, Touch } from '../../../schemas/directive.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { fullDirectiveUid } from '../lookup.ts';
import { collectPages, type PagingOptions, paged } from '../paging.ts';
import { inSession, type Session, wholeNumber } from '../session.ts';
import { showDirective, showDirectives } from '../show/directives.ts';
import { readSpan } from '../when.ts';

type Whose = { readonly identity?: string; readonly peerGroup?: string };
type Lasting = { readonly for?: number; readonly reason: string };
type SuppressOptions = Whose &
  Lasting & {
    readonly detector?: string;
    readonly pattern?: string;
    readonly subject?: { readonly kind: string; readonly value: string };
  };
type BudgetOptions = Whose &
  Lasting & {
    readonly alerts?: number;
    readonly detector?: string;
    readonly offset?: number;
    readonly mute?: true;
  };
type DeclareOptions = Whose &
  Lasting & { readonly touches: readonly Touch[]; readonly version?: string; readonly sessions?: number };
type ListOptions = PagingOptions & Whose & { readonly state: string };

export function registerDirectives(program: Command): void {
  const suppress = program
    .command('suppress')
    .summary('let findings of one kind open no alert for a while')
    .description(
      'Suppresses findings: of one identity or peer group, of one detector, pattern or subject, or any of these together. ' +
        'They open no alert until it ends; they are stored, counted as muted, and shown with the identity.',
    )
    .option('--detector <name>', 'findings of this detector')
    .option('--pattern <name>', 'findings of this pattern, as alerts show it')
    .option('--subject <kind=value>', 'findings about this subject', readSubject)
    .addHelpText(
      'after',
      '\nExample:\n  countersign suppress --identity etl-nightly --pattern burst_hour --for 7d --reason "CHG-1042: back-fill"',
    );
  lasting(whose(suppress), { optional: false });
  asksService(suppress).action(inSession<SuppressOptions>(suppressSome));
  const budget = program
    .command('budget')
    .summary('set another alert budget, or the weight of a detector')
    .description(
      'Sets another alert budget for one identity or peer group, in alerts per 1,000 identity-days; or adds bits to what a ' +
        'detector says, takes them from it, or mutes it, for one, for a peer group, or for all. Needs the role admin.',
    )
    .option('--alerts <n>', 'alerts per 1,000 identity-days', readNumber(LIMITS.budget_min, LIMITS.budget_max))
    .option('--detector <name>', 'the detector that --offset or --mute is about')
    .option(
      '--offset <bits>',
      'bits to add, or to take away',
      readNumber(-LIMITS.offset_bits_max, LIMITS.offset_bits_max),
    )
    .option('--mute', 'let the detector count for nothing')
    .addHelpText(
      'after',
      '\nExample:\n  countersign budget --peer-group payments --alerts 100 --reason "audit until March" --for 90d',
    );
  lasting(whose(budget), { optional: true });
  asksService(budget).action(inSession<BudgetOptions>(setBudget));
  const declare = program
    .command('declare')
    .summary('declare a new version of an identity')
    .description(
      'Declares a change of an identity or of all members of a peer group: what it touches is learned anew from the first ' +
        'event of the new version on, and opens no alert until so many sessions of it were learned.',
    )
    .requiredOption('--touches <list>', `one or several of ${TOUCHES.join(',')}`, readTouches)
    .option('--version <version>', 'only events of this version are meant')
    .option('--sessions <n>', 'sessions after which it is known', wholeNumber(1, LIMITS.change_sessions_max))
    .addHelpText(
      'after',
      '\nExample:\n  countersign declare --identity triage-07 --touches model,tools --version 2.4.0 --reason "release 2.4.0"',
    );
  lasting(whose(declare), { optional: true });
  asksService(declare).action(inSession<DeclareOptions>(declareChange));
  registerStanding(program);
}

function registerStanding(program: Command): void {
  const directive = program
    .command('directive')
    .summary('list and end what people told detection')
    .description('Directives: suppressions, budgets, declared changes, and what verdicts left behind.');
  const list = directive
    .command('list')
    .summary('list directives')
    .description('Lists directives with author, reason and expiry: those in force, unless --state says otherwise.')
    .addOption(
      new Option('--state <state>', 'which').choices([...DIRECTIVE_STATES, 'all']).default('in_force' as const),
    )
    .addHelpText('after', '\nExample:\n  countersign directive list --identity etl-nightly --state all');
  asksService(paged(whose(list))).action(inSession<ListOptions>(listAll));
  const end = directive
    .command('end')
    .summary('end a directive')
    .description(
      'Ends a directive from now on, by a record of its own. What it did stays done: alerts that were not opened are not ' +
        'opened later, and what was learned meanwhile stays learned.',
    )
    .argument('<uid>', 'uid of the directive, or its beginning')
    .addHelpText('after', '\nExample:\n  countersign directive end 5d41402abc --reason "the back-fill is over"');
  end.requiredOption('--reason <text>', 'why, for the audit log', readReason);
  asksService(end).action(inSession<Lasting>(endOne));
}

function whose(command: Command): Command {
  return command
    .option('--identity <id>', 'of one identity')
    .option('--peer-group <name>', 'of all members of a peer group');
}

function lasting(command: Command, { optional }: { readonly optional: boolean }): Command {
  const flags = '--for <span>';
  const text = 'how long: 12h, 30d';
  if (optional) command.option(flags, text, readSpan);
  else command.requiredOption(flags, text, readSpan);
  return command.requiredOption('--reason <text>', 'why, for the audit log', readReason);
}

export function readReason(text: string): string {
  const parsed = DirectiveReason.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError(`Give a reason, in words, with at most ${LIMITS.comment_chars_max} characters.`);
}

function readSubject(text: string): { kind: string; value: string } {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return { kind: text.slice(0, at), value: text.slice(at + 1) };
  throw new InvalidArgumentError('Give kind and value, as in tool=mail.send.');
}

function readTouches(text: string): Touch[] {
  return text.split(',').map((name) => {
    const touch = Touch.safeParse(name.trim());
    if (touch.success) return touch.data;
    throw new InvalidArgumentError(`Give one or several of ${TOUCHES.join(',')}.`);
  });
}

function readNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
  };
}

const shared = ({ identity, peerGroup, for: for_ms, reason }: Whose & Lasting) => ({
  ...(identity !== undefined && { identity }),
  ...(peerGroup !== undefined && { peer_group: peerGroup }),
  ...(for_ms !== undefined && { for_ms }),
  reason,
});

async function suppressSome(session: Session<SuppressOptions>): Promise<void> {
  const { detector, pattern, subject } = session.options;
  await post(session, '/v1/suppressions', { ...shared(session.options), detector, pattern, subject });
}

async function setBudget(session: Session<BudgetOptions>): Promise<void> {
  const { alerts, detector, offset, mute } = session.options;
  const wanted = { alerts_per_1000_identity_days: alerts, detector, offset_bits: offset, mute };
  await post(session, '/v1/budgets', { ...shared(session.options), ...wanted });
}

async function declareChange(session: Session<DeclareOptions>): Promise<void> {
  const { touches, version, sessions } = session.options;
  await post(session, '/v1/changes', { ...shared(session.options), touches, version, sessions });
}

async function post({ client, terminal }: Session<object>, path: string, body: object): Promise<void> {
  const answer = await client.send('POST', path, DirectiveAnswer, body);
  terminal.record(answer);
  if (!terminal.json) showDirective(terminal, answer.directive);
}

async function listAll({ client, terminal, options }: Session<ListOptions>): Promise<void> {
  const { state, identity, peerGroup } = options;
  const found = await collectPages(
    terminal,
    options,
    (page) => client.get('/v1/directives', DirectivePage, { state, identity, peer_group: peerGroup, ...page }),
    (one) => terminal.record(one),
  );
  if (found.length === 0) return terminal.line(state === 'in_force' ? 'Nothing is in force.' : 'None.');
  showDirectives(terminal, found);
}

async function endOne({ client, terminal, options }: Session<Lasting>, uid = ''): Promise<void> {
  const path = at('directives', await fullDirectiveUid(client, uid), 'end');
  const answer = await client.send('POST', path, DirectiveAnswer, { reason: options.reason });
  terminal.record(answer);
  if (!terminal.json) showDirective(terminal, answer.directive);
}
