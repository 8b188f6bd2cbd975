import { once } from 'node:events';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { AUDIT_KINDS, type AuditEntry, AuditExportPage, AuditKeys, AuditPage } from '../../../schemas/api/audit.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { readExport } from '../../control/audit-export.ts';
import { verifyExport } from '../../control/audit-verify.ts';
import { systemClock } from '../../platform/clock.ts';
import { dataDirAt } from '../../platform/data-dir.ts';
import { silentTelemetry } from '../../platform/telemetry.ts';
import { checkpointsIn, keysIn, linesOf } from '../audit-file.ts';
import { type GlobalOptions, readConfig } from '../configuration.ts';
import { asksService, type ConnectionOptions, connect } from '../connection.ts';
import { EXIT, Problem } from '../problem.ts';
import { replaceSigningKey } from '../service/audit-role.ts';
import { openGround } from '../service/foundation.ts';
import { inSession, type Session, wholeNumber } from '../session.ts';
import { showEntries, showReport } from '../show/audit.ts';
import { createTerminal } from '../terminal.ts';
import { readMoment } from '../when.ts';

type ListOptions = {
  readonly since: string;
  readonly until?: string;
  readonly kind?: string;
  readonly by?: string;
  readonly containment?: string;
  readonly limit: number;
};
type ExportOptions = ConnectionOptions & { readonly from: number; readonly fromLog?: boolean };
type VerifyOptions = GlobalOptions & {
  readonly checkpoints?: readonly string[];
  readonly key?: readonly string[];
  readonly from: number;
};

const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
const several = (value: string, before: readonly string[] = []): string[] => [...before, value];

export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .summary('list, export and verify the audit log')
    .description(
      'The control log: every proposal, vote, execution, key, verdict and change of configuration, each record bound to the ' +
        'one before it, with signed checkpoints. docs/audit.md is its format.',
    );
  registerReading(audit);
  const verify = audit
    .command('verify')
    .summary('verify an export, offline')
    .description(
      'Verifies an export without a service: that each record follows on the one before it, and that signed checkpoints ' +
        'agree. Checkpoints that were kept elsewhere show that the end was cut off. Names the first record that is wrong, ' +
        'and ends with 1 then.',
    )
    .argument('<file>', 'what `audit export` wrote')
    .option('--checkpoints <file>', 'checkpoints that were kept elsewhere; may be given several times', several)
    .option('--key <file>', 'public key in PEM that must have signed; may be given several times', several)
    .option('--from <n>', 'the export begins with this record', wholeNumber(1, NUMBER_MAX), 1)
    .addHelpText(
      'after',
      '\nExample:\n  countersign audit verify audit.ndjson --checkpoints kept.jsonl --key audit.pub',
    )
    .action(async (file: string, _own: unknown, command: Command) => {
      await verifyFile(file, command.optsWithGlobals<VerifyOptions>());
    });
  verify.allowExcessArguments(false);
  audit
    .command('rotate-key')
    .summary('make a new signing key')
    .description(
      'Makes a new key for checkpoints in the data directory of a service that is stopped. The old one signs the new one at ' +
        'the next start. A key of your own is changed in the configuration: audit.signing_key_file.',
    )
    .addHelpText('after', '\nExample:\n  countersign --data /var/lib/countersign audit rotate-key')
    .action(async (_own: unknown, command: Command) => {
      await rotate(command.optsWithGlobals<GlobalOptions>());
    });
}

function registerReading(audit: Command): void {
  const list = audit
    .command('list')
    .summary('list what was decided, by whom and when')
    .description('Lists records of the audit log, oldest first. Needs the role admin or siem.')
    .option('--since <when>', 'a time, or how long ago', '24h')
    .option('--until <when>', 'a time, or how long ago')
    .addOption(new Option('--kind <kind>', 'only this kind').choices(AUDIT_KINDS))
    .option('--by <name>', 'only what this person or machine did')
    .option('--containment <id>', 'only what is about this containment, by its whole id')
    .option('--limit <n>', 'at most so many', wholeNumber(1, 1_000_000), 200)
    .addHelpText('after', '\nExample:\n  countersign audit list --since 7d --kind key_created');
  asksService(list).action(inSession<ListOptions>(listEntries));
  const exported = audit
    .command('export')
    .summary('write the audit log out, for verification elsewhere')
    .description(
      'Writes the audit log to standard output, a line a record, as the hash chain binds it. It holds no secrets. Needs the ' +
        'role admin or siem; with --from-log it reads the log itself, of a service that is stopped.',
    )
    .option('--from <n>', 'begin with this record', wholeNumber(1, NUMBER_MAX), 1)
    .option('--from-log', 'read the log of the configuration, without a service')
    .addHelpText('after', '\nExample:\n  countersign audit export > audit.ndjson');
  asksService(exported).action(async (_own: unknown, command: Command) => {
    const options = command.optsWithGlobals<ExportOptions>();
    await (options.fromLog === true ? exportLog(options) : exportService(options));
  });
  const key = audit
    .command('key')
    .summary('show the public keys that sign checkpoints')
    .description('Shows the public keys that sign checkpoints, as PEM, the one that signs now last. Any role may ask.')
    .addHelpText('after', '\nExample:\n  countersign audit key > audit.pub');
  asksService(key).action(inSession<object>(showKeys));
}

async function listEntries({ client, terminal, options }: Session<ListOptions>): Promise<void> {
  const now = systemClock.now();
  const { since, until, kind, by, containment, limit } = options;
  const query = { since: momentOf(since, now), until: until && momentOf(until, now), kind, by, containment };
  const items: AuditEntry[] = [];
  let cursor: string | undefined;
  for (let more = true; more && items.length < limit; ) {
    const most = Math.min(LIMITS.page_items_max, limit - items.length);
    const page = await client.get('/v1/audit', AuditPage, { ...query, limit: most, cursor });
    for (const item of page.items) terminal.record(item);
    items.push(...page.items);
    cursor = page.next_cursor;
    more = page.more;
    if (more && items.length === limit) terminal.note('There may be more: a larger --limit, or --since and --until.');
  }
  if (items.length === 0) return terminal.line('None.');
  showEntries(terminal, items);
}

function momentOf(text: string, now: number): number {
  try {
    return readMoment(text, now);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    throw new Problem('time_not_understood', `${text}: ${error.message}`, EXIT.usage);
  }
}

async function write(line: string | Buffer): Promise<void> {
  const { stdout } = process;
  stdout.write(line);
  if (!stdout.write('\n')) await once(stdout, 'drain');
}

async function exportService(options: ExportOptions): Promise<void> {
  const client = connect(options);
  let cursor: string | undefined;
  for (let more = true; more; ) {
    const page = await client.get('/v1/audit/export', AuditExportPage, { from: options.from, cursor });
    for (const line of page.items) await write(line);
    ({ more, next_cursor: cursor } = page);
  }
}

async function exportLog(options: ExportOptions): Promise<void> {
  const ground = await openGround(readConfig(options), silentTelemetry());
  try {
    for (let at = { offset: 0, n: 1 }; ; ) {
      const { lines, next } = await readExport(ground.log, at);
      for (const { n, bytes } of lines) if (n >= options.from) await write(bytes);
      if (next.offset === at.offset) return;
      at = next;
    }
  } finally {
    await ground.close();
  }
}

async function verifyFile(file: string, options: VerifyOptions): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const { from, checkpoints = [], key = [] } = options;
  const kept = (await Promise.all(checkpoints.map(checkpointsIn))).flat();
  const report = await verifyExport({
    lines: linesOf(file),
    from,
    checkpoints: kept,
    keys: (await Promise.all(key.map(keysIn))).flat(),
  });
  terminal.record(report);
  showReport(terminal, report, { checkpoints: kept.length });
  process.exitCode = report.ok ? EXIT.done : EXIT.failed;
}

async function showKeys({ client, terminal }: Session<object>): Promise<void> {
  const answer = await client.get('/v1/audit/key', AuditKeys);
  terminal.record(answer);
  for (const { pem } of answer.keys) terminal.line(pem.trimEnd());
  const now = answer.keys.at(-1);
  if (now === undefined) return terminal.note('No key has signed yet: no responder of this version has run.');
  terminal.note(`${now.kid} signs now, for the log ${answer.log}, which holds ${answer.head.n} records.`);
}

async function rotate(options: GlobalOptions): Promise<void> {
  const terminal = createTerminal({ json: options.json === true });
  const loaded = readConfig(options);
  if (loaded.config.audit.signing_key_file !== undefined) {
    const message =
      'audit.signing_key_file names the key: name the new one there, and this one in previous_signing_key_file';
    throw new Problem('key_configured', message, EXIT.usage);
  }
  const ground = await openGround(loaded, silentTelemetry());
  replaceSigningKey(dataDirAt(loaded.config.data_dir));
  await ground.close();
  terminal.record({ rotated: true });
  terminal.line('There is a new signing key. The old one vouches for it at the next start.');
}
