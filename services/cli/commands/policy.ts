import type { Command } from 'commander';
import { PolicyAnswer, PolicyDryRunAnswer } from '../../../schemas/api/policy.ts';
import { PolicyDocument } from '../../../schemas/policy.ts';
import { policyWarnings } from '../../contain/policy-check.ts';
import { fileProblemText, readConfigFile } from '../../ingest/config-file.ts';
import type { GlobalOptions } from '../configuration.ts';
import { asksService } from '../connection.ts';
import { EXIT, Problem } from '../problem.ts';
import { readText } from '../recorded/inputs.ts';
import { inSession, type Session } from '../session.ts';
import { showDryRun, showPolicy, showWarnings } from '../show/policy.ts';
import { counted, createTerminal, instant, printable } from '../terminal.ts';
import { readReason } from './directives.ts';

type ApplyOptions = { readonly reason: string };

export function registerPolicy(program: Command): void {
  const policy = program
    .command('policy')
    .summary('read, check, try out and set the containment policy')
    .description(
      'The containment policy: which action on whom needs how many approvals, of which roles, and who does not count ' +
        '(docs/policy.md). It can only ask for more than the configuration does.',
    );
  const show = policy
    .command('show')
    .summary('show the policy in force')
    .description(
      'Shows the policy in force, what the configuration asks for below it, its versions, and who changed it lately and does ' +
        'not count as an approver for a time.',
    )
    .addHelpText('after', '\nExample:\n  countersign policy show --json | jq .policy.document');
  asksService(show).action(inSession<object>(showOne));
  policy
    .command('check')
    .summary('check a policy file, without a service')
    .description(
      'Checks a policy file: its shape, line by line, and what about it is odd. Ends with 2 when it is not valid.',
    )
    .argument('<file>', 'the policy, YAML or JSON')
    .addHelpText('after', '\nExample:\n  countersign policy check deploy/examples/policy.yaml')
    .action((file: string, _own: unknown, command: Command) => check(file, command.optsWithGlobals<GlobalOptions>()));
  const dryRun = policy
    .command('dry-run')
    .summary('show what a policy would have meant')
    .description(
      'Shows what a policy would have meant for past containments: what each would have needed, and whether the votes that ' +
        'it got would have sufficed. Changes nothing. Needs the role admin.',
    )
    .argument('<file>', 'the policy, YAML or JSON')
    .addHelpText('after', '\nExample:\n  countersign policy dry-run policy.yaml');
  asksService(dryRun).action(inSession<object>(tryOut));
  const apply = policy
    .command('apply')
    .summary('put a policy in force')
    .description(
      'Puts a policy in force for what is decided from now on; what waits keeps what its approvers were told, and gets what ' +
        'is stricter. Whoever does this does not count as an approver for a time. Needs the role admin and a key of a person.',
    )
    .argument('<file>', 'the policy, YAML or JSON')
    .requiredOption('--reason <text>', 'why, for the audit log', readReason)
    .addHelpText(
      'after',
      '\nExample:\n  countersign policy apply policy.yaml --reason "two people for credentials, RISK-77"',
    );
  asksService(apply).action(inSession<ApplyOptions>(applyOne));
}

function readPolicy(file: string): PolicyDocument {
  const read = readConfigFile(readText(file, 'policy'), file, PolicyDocument, () => []);
  if (read.ok) return read.value;
  throw new Problem('policy_invalid', read.problems.map(fileProblemText).join('\n'), EXIT.usage);
}

function check(file: string, options: GlobalOptions): void {
  const terminal = createTerminal({ json: options.json === true });
  const document = readPolicy(file);
  const warnings = policyWarnings(document);
  terminal.record({ version: document.version, rules: document.rules.length, warnings });
  terminal.line(`Policy ${printable(document.version)} is valid: ${counted(document.rules.length, 'rule')}.`);
  if (!terminal.json) showWarnings(terminal, warnings);
}

async function showOne({ client, terminal }: Session<object>): Promise<void> {
  const answer = await client.get('/v1/policy', PolicyAnswer);
  terminal.record(answer);
  if (!terminal.json) showPolicy(terminal, answer);
}

async function tryOut({ client, terminal }: Session<object>, file = ''): Promise<void> {
  const policy = readPolicy(file);
  const answer = await client.send('POST', '/v1/policy/dry-run', PolicyDryRunAnswer, { policy });
  terminal.record(answer);
  if (!terminal.json) showDryRun(terminal, answer);
}

async function applyOne({ client, terminal, options }: Session<ApplyOptions>, file = ''): Promise<void> {
  const policy = readPolicy(file);
  const answer = await client.send('PUT', '/v1/policy', PolicyAnswer, { policy, reason: options.reason });
  terminal.record(answer);
  if (terminal.json) return;
  terminal.line(`Policy ${printable(policy.version)} is in force.`);
  for (const { principal, until } of answer.editors) {
    terminal.line(`  ${printable(principal.subject)} does not count as an approver until ${instant(until)}`);
  }
  showWarnings(terminal, policyWarnings(policy));
}
