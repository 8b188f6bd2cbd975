import { type Command, InvalidArgumentError, Option } from 'commander';
import { CONTAINMENT_ACTIONS } from '../../../schemas/alert.ts';
import { ContainmentAnswer } from '../../../schemas/api/containments.ts';
import { at, type Client } from '../client.ts';
import { asksService } from '../connection.ts';
import { fullContainmentId, readAlert, readContainment } from '../lookup.ts';
import { inSession, type Session } from '../session.ts';
import { actionText, stateText } from '../show/containment.ts';
import { shortId } from '../show/words.ts';
import { printable, type Terminal } from '../terminal.ts';
import { readReason } from './directives.ts';

type Parameters = Readonly<Record<string, string>>;
type RequestOptions = {
  readonly action?: string;
  readonly target?: string;
  readonly parameter: Parameters;
  readonly why: string;
  readonly breakGlass?: string;
};
type AmendOptions = Omit<RequestOptions, 'parameter' | 'breakGlass'> & {
  readonly parameter?: Parameters;
  readonly digest?: string;
};
type RollbackOptions = { readonly why: string; readonly breakGlass?: string };
type ResolveOptions = { readonly tookEffect: string; readonly comment: string };

export function registerRequests(program: Command): void {
  const request = program
    .command('request')
    .summary('ask for a containment because of an alert')
    .description(
      'Asks for an action because of an alert: what the alert recommends, unless --action and --target say otherwise. It ' +
        'waits for the approval of others, with the evidence of the alert as it stands now; whoever asks cannot approve it. ' +
        'An emergency (--break-glass) says so in every record and to everybody, and needs no approval less.',
    )
    .argument('<alert>', 'uid of the alert, or its beginning')
    .addOption(new Option('--action <action>', 'what to do').choices(CONTAINMENT_ACTIONS))
    .option('--target <target>', 'the tool, data class, session, credential or identity that it is about')
    .option('--parameter <name=value>', 'a parameter of the action, several times', parameterOf, {})
    .requiredOption('--why <text>', 'why, for those who approve', readReason)
    .option('--break-glass <text>', 'it is an emergency: why', readReason)
    .addHelpText(
      'after',
      '\nExample:\n  countersign request 5f2a1b3c9d --action revoke_credential --target key-7 --why "found in a paste"',
    );
  asksService(request).action(inSession<RequestOptions>(ask));
  const amend = program
    .command('amend')
    .summary('change what a pending containment would do')
    .description(
      'Changes action, target or parameters of a pending containment. All votes on it are void, it waits anew, and whoever ' +
        'changes it is its requester. --digest names the terms that were seen; without it those of now are meant.',
    )
    .argument('<id>', 'id of the containment, or its beginning')
    .addOption(new Option('--action <action>', 'what to do instead').choices(CONTAINMENT_ACTIONS))
    .option('--target <target>', 'what it is about instead')
    .option('--parameter <name=value>', 'a parameter of the action, several times', parameterOf)
    .option('--digest <digest>', 'change exactly these terms')
    .requiredOption('--why <text>', 'why, for those who approve', readReason)
    .addHelpText('after', '\nExample:\n  countersign amend 0c6e2d1f48 --target key-8 --why "it is the other key"');
  asksService(amend).action(inSession<AmendOptions>(change));
  const rollback = program
    .command('rollback')
    .summary('ask to take back what a containment did')
    .description(
      'Asks to take back what a containment did, or may have done: a new containment in the other direction, which waits for ' +
        'approvals of its own.',
    )
    .argument('<id>', 'id of the containment, or its beginning')
    .requiredOption('--why <text>', 'why, for those who approve', readReason)
    .option('--break-glass <text>', 'it is an emergency: why', readReason)
    .addHelpText('after', '\nExample:\n  countersign rollback 0c6e2d1f48 --why "planned migration, CHG-1042"');
  asksService(rollback).action(inSession<RollbackOptions>(takeBack));
  const resolve = program
    .command('resolve')
    .summary('say what became of a containment whose outcome is unclear')
    .description(
      'Records what somebody who looked at the target has found, where the outcome of a containment is unknown or its effect ' +
        'is not clear. Said once; nothing is sent.',
    )
    .argument('<id>', 'id of the containment, or its beginning')
    .addOption(new Option('--took-effect <answer>', 'whether it did').choices(['yes', 'no']).makeOptionMandatory())
    .requiredOption('--comment <text>', 'what was seen, for the audit log', readReason)
    .addHelpText('after', '\nExample:\n  countersign resolve 0c6e2d1f48 --took-effect yes --comment "key is revoked"');
  asksService(resolve).action(inSession<ResolveOptions>(settle));
}

/** Adds one `name=value` to those before it. */
function parameterOf(text: string, before: Parameters = {}): Parameters {
  const equals = text.indexOf('=');
  if (equals > 0) return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
  throw new InvalidArgumentError('Write name=value.');
}

async function ask({ client, terminal, options }: Session<RequestOptions>, uid = ''): Promise<void> {
  const { alert } = await readAlert(client, uid);
  const { recommendation } = alert;
  const body = {
    alert_uid: alert.uid,
    tenant: alert.tenant,
    action: options.action ?? recommendation.action,
    target: options.target ?? (options.action === undefined ? recommendation.target : ''),
    parameters: options.parameter,
    why: options.why,
    ...emergency(options),
  };
  await send(client, terminal, '/v1/containments', body);
}

async function change({ client, terminal, options }: Session<AmendOptions>, id = ''): Promise<void> {
  const { containment } = await readContainment(client, id);
  const { action, target, parameter: parameters, why, digest = containment.digest } = options;
  const changes = Object.entries({ action, target, parameters }).filter(([, value]) => value !== undefined);
  const body = { digest, why, ...Object.fromEntries(changes) };
  await send(client, terminal, `${at('containments', containment.id)}/amend`, body);
}

async function takeBack({ client, terminal, options }: Session<RollbackOptions>, id = ''): Promise<void> {
  const full = await fullContainmentId(client, id);
  await send(client, terminal, `${at('containments', full)}/rollback`, { why: options.why, ...emergency(options) });
}

async function settle({ client, terminal, options }: Session<ResolveOptions>, id = ''): Promise<void> {
  const full = await fullContainmentId(client, id);
  const body = { took_effect: options.tookEffect === 'yes', comment: options.comment };
  await send(client, terminal, `${at('containments', full)}/resolve`, body);
}

function emergency({ breakGlass }: Pick<RequestOptions, 'breakGlass'>): { break_glass?: { why: string } } {
  return breakGlass === undefined ? {} : { break_glass: { why: breakGlass } };
}

async function send(client: Client, terminal: Terminal, path: string, body: object): Promise<void> {
  const answer = await client.send('POST', path, ContainmentAnswer, body);
  terminal.record(answer);
  const { containment } = answer;
  terminal.line(
    `Containment ${shortId(containment.id)} is ${stateText(terminal, containment)}: ${actionText(containment)}`,
  );
  terminal.paragraph(printable(containment.situation.message, 300));
}
