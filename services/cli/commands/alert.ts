import { type Command, Option } from 'commander';
import { UndoAnswer, VerdictAnswer } from '../../../schemas/api/alerts.ts';
import { VERDICT_SCOPES, VERDICTS } from '../../../schemas/verdict.ts';
import { at } from '../client.ts';
import { asksService } from '../connection.ts';
import { fullUid, readAlert } from '../lookup.ts';
import { inSession, type Session } from '../session.ts';
import { showAlert } from '../show/alert.ts';
import { showDirective } from '../show/directives.ts';
import { readSpan } from '../when.ts';
import { readReason } from './directives.ts';

type VerdictOptions = { readonly comment?: string; readonly scope: string; readonly for?: number };
type UndoOptions = { readonly reason: string };

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
        'identity learn what it did; `true_positive` keeps it from being learned. With --scope it goes beyond the alert: what ' +
        'is harmless opens no alert there again, and what was real opens one at once.',
    )
    .argument('<uid>', 'uid of the alert, or its beginning')
    .argument('<verdict>', VERDICTS.join(', '))
    .option('--comment <text>', 'why, for those who come later')
    .addOption(new Option('--scope <scope>', 'how far it reaches').choices(VERDICT_SCOPES).default('alert'))
    .option('--for <span>', 'how long it counts beyond the alert: 12h, 30d', readSpan)
    .addHelpText(
      'after',
      '\nExample:\n  countersign verdict 5f2a1b3c9d expected_change --scope pattern --comment "new report, CHG-1042"',
    );
  asksService(verdict).action(inSession<VerdictOptions>(judge));
  verdict.registeredArguments[1]?.choices(VERDICTS);
  const undo = program
    .command('undo')
    .summary('withdraw the last verdict on an alert')
    .description(
      'Withdraws the last verdict on an alert, and ends what it left behind. It works from now on: the alert stays closed, ' +
        'what was learned stays learned, what was cancelled stays cancelled.',
    )
    .argument('<uid>', 'uid of the alert, or its beginning')
    .requiredOption('--reason <text>', 'why, for the audit log', readReason)
    .addHelpText('after', '\nExample:\n  countersign undo 5f2a1b3c9d --reason "CHG-1042 was rolled back"');
  asksService(undo).action(inSession<UndoOptions>(withdraw));
}

async function explain({ client, terminal }: Session<object>, uid = ''): Promise<void> {
  const answer = await readAlert(client, uid);
  terminal.record(answer);
  if (!terminal.json) showAlert(terminal, answer);
}

async function judge(session: Session<VerdictOptions>, uid = '', verdict = ''): Promise<void> {
  const { client, terminal, options } = session;
  const full = await fullUid(client, uid);
  const body = {
    verdict,
    scope: options.scope,
    ...(options.comment !== undefined && { comment: options.comment }),
    ...(options.for !== undefined && { for_ms: options.for }),
  };
  const answer = await client.send('POST', `${at('alerts', full)}/verdict`, VerdictAnswer, body);
  terminal.record(answer);
  terminal.line(`Alert ${full.slice(0, 10)} is judged ${answer.verdict}.`);
  if (answer.directive !== undefined && !terminal.json) showDirective(terminal, answer.directive);
}

async function withdraw({ client, terminal, options }: Session<UndoOptions>, uid = ''): Promise<void> {
  const full = await fullUid(client, uid);
  const answer = await client.send('POST', `${at('alerts', full)}/verdict/undo`, UndoAnswer, {
    reason: options.reason,
  });
  terminal.record(answer);
  terminal.line(`The verdict ${answer.verdict.verdict} on alert ${full.slice(0, 10)} is withdrawn from now on.`);
}
