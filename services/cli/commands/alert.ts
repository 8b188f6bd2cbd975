import type { Command } from 'commander';
import { VerdictAnswer } from '../../../schemas/api/alerts.ts';
import { VERDICTS } from '../../../schemas/verdict.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { fullUid, readAlert } from '../lookup.ts';
import { inSession, type Session } from '../session.ts';
import { showAlert } from '../show/alert.ts';

type VerdictOptions = { readonly comment?: string };

export function registerAlert(program: Command): void {
  const alert = program
    .command('alert')
    .summary('explain one alert in full')
    .description(
      'Explains one alert: what was observed against which habit, the events it rests on, what would have been normal, ' +
        'what is recommended and why nothing narrower or wider, and how to approve or deny it. The beginning of the uid ' +
        'is enough.',
    )
    .argument('<uid>', 'uid of the alert, or its beginning')
    .addHelpText('after', '\nExample:\n  countersign alert 5f2a1b3c9d');
  asksService(alert).action(inSession<object>(explain));
  const verdict = program
    .command('verdict')
    .summary('judge an alert')
    .description(
      'Judges an alert. `false_positive` and `expected_change` end what waits for approval because of it and let the ' +
        'identity learn what it did; `true_positive` keeps it from being learned.',
    )
    .argument('<uid>', 'uid of the alert, or its beginning')
    .argument('<verdict>', VERDICTS.join(', '))
    .option('--comment <text>', 'why, for those who come later')
    .addHelpText(
      'after',
      '\nExample:\n  countersign verdict 5f2a1b3c9d expected_change --comment "new report, CHG-1042"',
    );
  asksService(verdict).action(inSession<VerdictOptions>(judge));
  verdict.registeredArguments[1]?.choices(VERDICTS);
}

async function explain({ client, terminal }: Session<object>, uid = ''): Promise<void> {
  const answer = await readAlert(client, uid);
  terminal.record(answer);
  if (!terminal.json) showAlert(terminal, answer);
}

async function judge(session: Session<VerdictOptions>, uid = '', verdict = ''): Promise<void> {
  const { client, terminal, options } = session;
  const full = await fullUid(client, uid);
  const body = { verdict, ...(options.comment !== undefined && { comment: options.comment }) };
  const answer = await client.send('POST', `${at('alerts', full)}/verdict`, VerdictAnswer, body);
  terminal.record(answer);
  terminal.line(`Alert ${full.slice(0, 10)} is judged ${answer.verdict}.`);
}
