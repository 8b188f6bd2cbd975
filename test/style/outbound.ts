import { lineAt, type SourceFile, separate, type Violation } from './source.ts';

/** Where something may leave other than by the guarded client, each with its reason. */
export const EXCEPTIONS: readonly (readonly [prefix: string, why: string])[] = [
  ['services/platform/outbound/', 'is the guarded client'],
  ['services/platform/kafka/', 'speaks the protocol of Kafka to the brokers of the configuration'],
  ['services/platform/clickhouse/', 'asks the store of the configuration'],
  ['services/deliver/notify/mail.ts', 'speaks SMTP to the server of the configuration'],
  ['services/api/auth/oidc.ts', 'hands the guarded client to the library of OpenID Connect'],
  ['services/cli/client.ts', 'asks the service that whoever typed the command has named'],
];

/** Modules that open connections, and what may be taken from them all the same. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  http: ['createServer', 'METHODS', 'STATUS_CODES'],
  https: ['createServer'],
  http2: ['createServer', 'createSecureServer'],
  net: ['createServer', 'isIP', 'isIPv4', 'isIPv6', 'BlockList'],
  tls: ['createServer'],
  dgram: [],
  undici: [],
  nodemailer: [],
  'openid-client': [],
  '@clickhouse/client': [],
};

const CALLS =
  /(?<![\w.#])fetch\(|\bglobalThis\.fetch\b|\b(https?|http2|net|tls|dgram)\.(request|get|connect|createConnection|createSocket|Socket|Agent)\b|\bnew (WebSocket|EventSource)\b/g;
const IMPORTS = /^(?:import|export)\s+(?!type\b)([^'"]*?)\s*from\s+['"](?:node:)?([\w@/-]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"](?:node:)?([\w@/-]+)['"]/g;

/** Every way out of a process that is not the guarded client (services/platform/outbound). */
export function outboundViolations(file: SourceFile): Violation[] {
  if (!file.name.startsWith('services/') || EXCEPTIONS.some(([prefix]) => file.name.startsWith(prefix))) return [];
  const at = (index: number, what: string): Violation => ({
    name: file.name,
    line: lineAt(file.text, index),
    what: `${what} leaves past the guarded client: send by services/platform/outbound`,
  });
  const { code } = separate(file.text);
  return [
    ...[...code.matchAll(CALLS)].map((match) => at(match.index, match[0])),
    ...[...file.text.matchAll(DYNAMIC)]
      .filter(([, name = '']) => name in MODULES)
      .map((match) => at(match.index, match[0])),
    ...[...file.text.matchAll(IMPORTS)].flatMap((match) => {
      const [, names = '', name = ''] = match;
      const harmless = MODULES[name];
      if (harmless === undefined) return [];
      return forbiddenIn(names, harmless).map((taken) => at(match.index, `${taken} of ${name}`));
    }),
  ];
}

/** Of `a, { b as c, type D }` what is neither a type nor harmless. What a whole module is used for, its calls tell. */
function forbiddenIn(names: string, harmless: readonly string[]): string[] {
  const listed = /\{([^}]*)\}/.exec(names)?.[1] ?? '';
  const taken = listed.split(',').map((one) => one.trim().replace(/\s+as\s+\w+$/, ''));
  const whole = harmless.length === 0 && !names.includes('{') ? [names] : [];
  return [...whole, ...taken.filter((one) => one !== '' && !one.startsWith('type ') && !harmless.includes(one))];
}
