import type { Pool } from './types.ts';
import { base36, company, outsideAddress, section, spread, topic, word } from './words.ts';

type PoolSpec = Omit<Pool, 'name' | 'ordinal' | 'aisles'> & { readonly aisles?: number };

const stock = (
  place: readonly [store: string, kind: string, classification: string],
  initial: number,
  per_day: number,
  id: (index: number) => string,
  keeps: Pool['keeps'] = 'none',
): PoolSpec => ({
  store: place[0],
  kind: place[1],
  classification: place[2],
  life: 'stock',
  initial,
  per_day,
  id,
  keeps,
});

const flow = (
  place: readonly [store: string, kind: string, classification: string],
  per_day: number,
  id: (index: number) => string,
  keeps: Pool['keeps'] = 'latest',
): PoolSpec => ({
  store: place[0],
  kind: place[1],
  classification: place[2],
  life: 'flow',
  initial: per_day * 60,
  per_day,
  id,
  keeps,
});

const two = (n: number): string => String(n).padStart(2, '0');
const list = (text: string): readonly string[] => text.split(' ');
const from = (names: readonly string[], index: number): string => names[index % names.length] ?? '';

const REPOS = list(
  'storefront payments-gateway identity-api search-indexer mobile-app billing-jobs admin-console edge-proxy',
);
const CODE = list('handler client model routes service repository queue cache config parser worker schema');
const SCHEMAS = list('sales marketing product support finance_marts web_events inventory logistics');
const FACTS = list('orders sessions invoices tickets shipments customers campaigns refunds usage churn stock visits');
const QUEUES = list('billing shipping technical returns enterprise onboarding abuse escalations partners trials');
/** Repositories and schemas: both lists have so many entries. */
const AISLES = 8;
const CLUSTERS = list('prod-eu-1 prod-eu-2 prod-us-1 staging-eu-1');

const repoFile = (i: number): string =>
  `${from(REPOS, i)}/src/${word(i)}/${from(CODE, Math.floor(spread(i) / 11))}_${i}.ts`;
const tableOf = (i: number): string =>
  `${from(SCHEMAS, i)}.${from(FACTS, spread(i))}_${Math.floor(i / SCHEMAS.length)}`;
const day = (i: number): string =>
  `${2019 + (Math.floor(i / 372) % 7)}-${two((Math.floor(i / 31) % 12) + 1)}-${two((i % 31) + 1)}`;

const SPECS = {
  tickets: flow(['helpdesk', 'ticket', 'confidential'], 160, (i) => `TCK-${410_200 + i}`),
  queues: stock(['helpdesk', 'queue', 'internal'], 10, 0, (i) => `queue:${from(QUEUES, i)}`),
  attachments: flow(['helpdesk-attachments', 'attachment', 'confidential'], 60, (i) => `att_${base36(i)}`),
  articles: stock(['knowledge-base', 'article', 'internal'], 640, 2, (i) => `kb/${topic(i)}`),
  customers: stock(['crm', 'customer', 'confidential'], 9000, 25, (i) => `cus_${base36(i)}`, 'latest'),
  accounts: stock(['crm', 'account', 'confidential'], 1800, 4, (i) => `acct/${company(i)}-${i}`, 'latest'),
  opportunities: flow(['crm', 'opportunity', 'confidential'], 30, (i) => `OPP-${20_100 + i}`),
  recipients: stock(['outbound-mail', 'recipient', 'internal'], 1400, 4, outsideAddress, 'latest'),
  segments: stock(['crm', 'segment', 'confidential'], 220, 1, (i) => `segment/${topic(i)}`),
  invoices: flow(['billing', 'invoice', 'financial'], 90, (i) => `INV-${700_400 + i}`),
  payments: flow(['billing', 'payment', 'financial'], 120, (i) => `pay_${base36(i)}`),
  ledger: stock(['erp', 'ledger_account', 'financial'], 420, 0.3, (i) => `GL-${1000 + i * 5}`),
  vendors: stock(['erp', 'vendor', 'financial'], 900, 1.5, (i) => `vendor/${company(i)}-${i}`, 'latest'),
  purchase_orders: flow(['erp', 'purchase_order', 'financial'], 40, (i) => `PO-${88_000 + i}`),
  journals: flow(['erp', 'journal', 'financial'], 60, (i) => `JE-${310_000 + i}`),
  statements: flow(['treasury', 'bank_statement', 'restricted'], 4, (i) => `stmt/${day(i)}-${i}`),
  repo_files: { ...stock(['git', 'file', 'internal'], 12_000, 45, repoFile), aisles: AISLES },
  pull_requests: {
    ...flow(['git', 'pull_request', 'internal'], 60, (i) => `${from(REPOS, i)}#${2300 + i}`),
    aisles: AISLES,
  },
  branches: {
    ...flow(['git', 'branch', 'internal'], 50, (i) => `${from(REPOS, i)}@${word(i)}-${900 + i}`, 'session'),
    aisles: AISLES,
  },
  issues: flow(['issue-tracker', 'issue', 'internal'], 45, (i) => `ENG-${15_200 + i}`),
  builds: flow(['ci', 'build', 'internal'], 150, (i) => `build/${99_000 + i}`),
  workspaces: flow(['sandbox', 'workspace', 'internal'], 70, (i) => `ws-${base36(i)}`, 'session'),
  packages: stock(['package-registry', 'package', 'public'], 1200, 3, (i) => `npm/${word(i)}-${word(i * 3 + 1)}-${i}`),
  tables: { ...stock(['warehouse', 'table', 'confidential'], 1500, 3, tableOf), aisles: AISLES },
  partitions: flow(
    ['warehouse', 'partition', 'confidential'],
    48,
    (i) => `${from(SCHEMAS, i)}.${from(FACTS, Math.floor(i / AISLES) % 6)}_daily/p=${20_000 + Math.floor(i / 48)}`,
  ),
  dashboards: stock(['bi', 'dashboard', 'internal'], 260, 0.6, (i) => `dash/${topic(i)}`),
  reports: flow(['bi', 'report', 'internal'], 12, (i) => `report/${topic(i)}`),
  pages: stock(['web', 'url', 'public'], 9000, 120, (i) => `https://www.${company(i % 700)}.example/${topic(i)}`),
  documents: stock(['drive', 'document', 'internal'], 7000, 30, (i) => `/shared/${word(i)}/${topic(i)}.docx`),
  messages: flow(['mailbox', 'message', 'confidential'], 260, (i) => `msg-${base36(i)}`),
  channels: stock(['chat', 'channel', 'internal'], 90, 0.2, (i) => `#${word(i)}-${i}`),
  calendars: stock(['calendar', 'calendar', 'internal'], 700, 0.5, (i) => `cal/${base36(i)}`),
  employees: stock(['hris', 'employee', 'pii'], 1600, 1.2, (i) => `emp/${20_400 + i}`, 'latest'),
  policies: stock(['hris', 'policy', 'internal'], 160, 0.2, (i) => `policy/${topic(i)}`),
  payroll: stock(['payroll', 'payslip_batch', 'restricted'], 90, 0.4, (i) => `payroll/${day(i * 31)}-batch-${i}`),
  candidates: flow(['ats', 'candidate', 'pii'], 26, (i) => `cand-${base36(i)}`),
  incidents: flow(['observability', 'incident', 'internal'], 40, (i) => `INC-${54_000 + i}`),
  metrics: {
    ...stock(
      ['observability', 'metric', 'internal'],
      900,
      1,
      (i) => `${from(REPOS, i)}.${from(CODE, spread(i))}.p99_${i}`,
    ),
    aisles: AISLES,
  },
  log_streams: {
    ...stock(['observability', 'log_stream', 'internal'], 180, 0.3, (i) => `logs/${from(REPOS, i)}-${i}`),
    aisles: AISLES,
  },
  deployments: {
    ...stock(
      ['cluster', 'deployment', 'internal'],
      150,
      0.4,
      (i) => `${from(CLUSTERS, Math.floor(i / AISLES))}/${from(REPOS, i)}-${i}`,
      'latest',
    ),
    aisles: AISLES,
  },
  runbooks: stock(['wiki', 'runbook', 'internal'], 120, 0.3, (i) => `runbook/${topic(i)}`),
  secrets: stock(
    ['secrets-vault', 'secret', 'restricted'],
    90,
    0.2,
    (i) => `prod/${from(REPOS, i)}/${word(i)}-token-${i}`,
  ),
  contracts: stock(['contracts', 'contract', 'confidential'], 1700, 3, (i) => `contract/${company(i)}-${i}`, 'latest'),
  clauses: stock(['contracts', 'clause', 'internal'], 420, 0.4, (i) => `clause/${topic(i)}`),
  matters: stock(['legal-vault', 'matter', 'restricted'], 140, 0.3, (i) => `matter/${2100 + i}`, 'latest'),
  agents: stock(['agent-gateway', 'agent', 'internal'], 24, 0.02, (i) => `assistant/${word(i)}-${i}`),
  kb_sections: stock(['knowledge-base', 'section', 'internal'], 14, 0, (i) => `kb/${section(i)}`),
  code_index: { ...stock(['git', 'repository', 'internal'], AISLES, 0, (i) => from(REPOS, i)), aisles: AISLES },
  schemas: { ...stock(['warehouse', 'schema', 'internal'], AISLES, 0, (i) => from(SCHEMAS, i)), aisles: AISLES },
  folders: stock(['drive', 'folder', 'internal'], 30, 0, (i) => `/shared/${section(i)}`),
  mailboxes: stock(['mailbox', 'mailbox', 'confidential'], 80, 0.1, (i) => `mailbox/${base36(i)}`),
  web_index: stock(['web', 'search_engine', 'public'], 1, 0, () => 'web-search'),
  directory: stock(['hris', 'department', 'internal'], 12, 0, (i) => `directory/${section(i)}`),
  clause_library: stock(['contracts', 'clause_library', 'internal'], 6, 0, (i) => `library/${section(i)}`),
} satisfies Record<string, PoolSpec>;

export type PoolName = keyof typeof SPECS;

export const POOLS: Readonly<Record<PoolName, Pool>> = Object.fromEntries(
  Object.entries(SPECS).map(([name, spec], ordinal): [string, Pool] => [name, { aisles: 1, ...spec, name, ordinal }]),
) as Record<PoolName, Pool>;
