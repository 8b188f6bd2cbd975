import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { ContainmentAnswer, type ContainmentView, type ExecutorView } from '../../../schemas/api/containments.ts';
import { SteppedUpAnswer } from '../../../schemas/api/sign-in.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { fullContainmentId, readContainment } from '../lookup.ts';
import { type PasswordOptions, readPassword } from '../password.ts';
import { EXIT, Problem } from '../problem.ts';
import { inSession, type Session } from '../session.ts';
import { isDigestTrue, showTerms, stateText } from '../show/containment.ts';
import { fact, heading } from '../show/words.ts';
import { printable, type Terminal } from '../terminal.ts';

type Options = PasswordOptions & { readonly comment?: string; readonly digest?: string };
type Decision = 'approve' | 'deny';

export function registerVotes(program: Command): void {
  registerVote(program, 'approve', 'countersign a containment, so that it is executed');
  registerVote(program, 'deny', 'deny a containment, which ends it');
  const cancelling = program
    .command('cancel')
    .summary('withdraw a containment that is not being executed yet')
    .description('Withdraws a containment that is pending, or approved and not being executed yet.')
    .argument('<id>', 'id of the containment, or its beginning')
    .addHelpText('after', '\nExample:\n  countersign cancel 0c6e2d1f48');
  asksService(cancelling).action(inSession<object>(cancel));
}

function registerVote(program: Command, decision: Decision, summary: string): void {
  const command = program
    .command(decision)
    .summary(summary)
    .description(
      `Shows exactly what would be ${decision === 'approve' ? 'countersigned' : 'denied'}, and asks. A vote is bound to the digest of what was shown: if that ` +
        'has changed meanwhile, the vote is refused. A script, which cannot be asked, names the digest that it saw ' +
        '(`countersign containment ID --json`). Every vote needs your password anew, asked for unseen; people who sign in at ' +
        'a provider vote on the page of the containment.',
    )
    .argument('<id>', 'id of the containment, or its beginning')
    .option('--comment <text>', 'why, for the audit log')
    .option('--digest <digest>', 'vote on exactly these terms, without being asked')
    .option('--password-file <file>', 'file that holds your password (default: COUNTERSIGN_PASSWORD_FILE)')
    .addHelpText('after', `\nExample:\n  countersign ${decision} 0c6e2d1f48 --comment "${EXAMPLES[decision]}"`);
  asksService(command).action(inSession<Options>((session, id = '') => vote(session, decision, id)));
}

const EXAMPLES: Readonly<Record<Decision, string>> = {
  approve: 'not ours, confirmed with the owner',
  deny: 'planned migration, CHG-1042',
};

async function vote(session: Session<Options>, decision: Decision, id: string): Promise<void> {
  const { client, terminal, options } = session;
  const { containment, executor } = await readContainment(client, id);
  if (!isDigestTrue(containment)) {
    const message = `the digest of ${printable(id)} is not that of its terms as they were sent: nothing was voted on`;
    throw new Problem('digest_untrue', message, EXIT.failed);
  }
  const digest = options.digest ?? (await askFor(terminal, decision, { containment, executor }));
  if (digest === undefined) {
    terminal.line('Nothing was done.');
    process.exitCode = EXIT.failed;
    return;
  }
  await authenticate(session, containment.id, digest);
  const body = { digest, ...(options.comment !== undefined && { comment: options.comment }) };
  const answer = await client.send(
    'POST',
    `${at('containments', containment.id)}/${decision}`,
    ContainmentAnswer,
    body,
  );
  terminal.record(answer);
  const recorded = `Your ${decision === 'approve' ? 'approval' : 'denial'} is recorded`;
  terminal.line(`${recorded}; the containment is ${stateText(terminal, answer.containment)}.`);
  terminal.paragraph(printable(answer.containment.situation.message, 300));
}

/** A key alone gives no vote: whoever holds it proves who they are, for these terms. */
async function authenticate({ client, options }: Session<Options>, containment: string, digest: string): Promise<void> {
  const password = await readPassword(options, 'Your password, unseen: ');
  if (password === undefined) {
    const message =
      'a vote needs your password, and there is nobody to ask: name a file that holds it with --password-file or ' +
      'COUNTERSIGN_PASSWORD_FILE. `countersign user link` makes a link with which it is set.';
    throw new Problem('password_missing', message, EXIT.usage);
  }
  await client.send('POST', '/v1/step-up', SteppedUpAnswer, { containment, digest, password });
}

type Shown = { readonly containment: ContainmentView; readonly executor: ExecutorView };

/** The digest of what was shown when the person agrees; undefined when they do not. */
async function askFor(terminal: Terminal, decision: Decision, shown: Shown): Promise<string | undefined> {
  const { containment, executor } = shown;
  if (terminal.json || process.stdin.isTTY !== true || process.stdout.isTTY !== true) {
    const message =
      'there is nobody to ask: read the containment, and name the digest of what was read with --digest ' +
      `(\`countersign containment ${containment.id.slice(0, 10)} --json\` shows both)`;
    throw new Problem('digest_missing', message, EXIT.usage);
  }
  heading(terminal, decision === 'approve' ? 'What you countersign' : 'What you deny');
  showTerms(terminal, containment);
  fact(terminal, 'state', stateText(terminal, containment));
  if (decision === 'approve') fact(terminal, 'carried out', printable(executor.message, 300));
  terminal.line();
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const reply = await prompt.question(`${decision === 'approve' ? 'Approve' : 'Deny'}? [y/N] `);
    return /^y(es)?$/i.test(reply.trim()) ? containment.digest : undefined;
  } catch (error) {
    // Ctrl-C and Ctrl-D at the prompt are answers, too.
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  } finally {
    prompt.close();
  }
}

async function cancel({ client, terminal }: Session<object>, id = ''): Promise<void> {
  const full = await fullContainmentId(client, id);
  const answer = await client.send('POST', `${at('containments', full)}/cancel`, ContainmentAnswer, {});
  terminal.record(answer);
  terminal.line(`Containment ${full.slice(0, 10)} is ${stateText(terminal, answer.containment)}.`);
}
