import type { Operation } from '../../../schemas/event.ts';
import { POOLS, type PoolName } from './pools.ts';
import type { Server, Size, Tool } from './types.ts';

type Spec = Partial<Pick<Tool, 'bytes_in' | 'records' | 'tokens' | 'error' | 'denied' | 'trait' | 'latency_ms'>> & {
  readonly operation: Operation;
  readonly pool: PoolName | undefined;
  readonly bytes_out: Size;
};
type More = Omit<Spec, 'operation' | 'pool' | 'bytes_out'>;

const verb =
  (operation: Operation, defaults: More) =>
  (pool: PoolName | undefined, bytes_out: Size, more: More = {}): Spec => ({
    operation,
    pool,
    bytes_out,
    ...defaults,
    ...more,
  });

const ARGUMENTS: Size = [140, 0.5];
const read = verb('read', {});
const search = verb('search', { bytes_in: [90, 0.5], records: [8, 0.7] });
const store = verb('store', { bytes_in: [900, 0.9], error: 0.012 });
const send = verb('export', { bytes_in: [1100, 0.8], trait: 'egress' });
const export_ = verb('export', { records: [600, 1] });
const execute = verb('execute', { bytes_in: [260, 0.7], error: 0.03, latency_ms: [2400, 0.9] });
const delegate = verb('delegate', { bytes_in: [1400, 0.6], latency_ms: [900, 0.6] });
const recommend = verb('recommend', { bytes_in: [1800, 0.7] });
const think = (operation: 'summarize' | 'recommend', input: number, output: number): Spec => ({
  operation,
  pool: undefined,
  bytes_in: [input * 4, 0.6],
  bytes_out: [output * 4, 0.5],
  tokens: { in: [input, 0.6], out: [output, 0.5] },
  error: 0.004,
  denied: 0,
  latency_ms: [5200, 0.5],
});

/** Tool servers with their major version, and their tools with typical sizes (median bytes, sigma of the logarithm). */
const SERVERS = {
  helpdesk: [
    3,
    {
      get_ticket: read('tickets', [2600, 0.7]),
      list_queue: search('queues', [6400, 0.5]),
      get_attachment: read('attachments', [48_000, 1.3], { trait: 'external', error: 0.02 }),
      reply_ticket: store('tickets', [210, 0.2], { bytes_in: [1300, 0.6] }),
      update_ticket: store('tickets', [180, 0.2], { bytes_in: [240, 0.4] }),
      escalate_ticket: delegate('queues', [190, 0.2]),
    },
  ],
  knowledge: [
    2,
    {
      search_articles: search('kb_sections', [3100, 0.5]),
      read_article: read('articles', [7400, 0.6]),
    },
  ],
  crm: [
    5,
    {
      read_customer: read('customers', [3900, 0.5], { records: [1, 0], denied: 0.004 }),
      read_account: read('accounts', [5200, 0.6], { records: [1, 0] }),
      search_accounts: search('segments', [9000, 0.7], { records: [25, 0.6] }),
      read_opportunity: read('opportunities', [2400, 0.5]),
      update_opportunity: store('opportunities', [200, 0.2]),
      log_activity: store('accounts', [160, 0.2]),
      export_segment: export_('segments', [160_000, 0.9], { denied: 0.01 }),
    },
  ],
  billing: [
    4,
    {
      read_invoice: read('invoices', [3200, 0.4], { records: [1, 0] }),
      read_payment: read('payments', [1100, 0.3], { records: [1, 0] }),
      issue_credit: execute('payments', [260, 0.2], { denied: 0.02 }),
    },
  ],
  erp: [
    7,
    {
      read_ledger: read('ledger', [14_000, 0.9], { records: [120, 0.9] }),
      read_vendor: read('vendors', [2800, 0.4], { records: [1, 0] }),
      read_purchase_order: read('purchase_orders', [3600, 0.5], { records: [1, 0] }),
      match_invoice: recommend('invoices', [900, 0.3]),
      post_journal: execute('journals', [320, 0.2], { denied: 0.006 }),
      schedule_payment: execute('payments', [300, 0.2], { denied: 0.012 }),
      export_ledger: export_('ledger', [340_000, 0.9]),
    },
  ],
  treasury: [1, { read_statement: read('statements', [26_000, 0.6], { records: [180, 0.6] }) }],
  git: [
    2,
    {
      read_file: read('repo_files', [8200, 1.1]),
      search_code: search('code_index', [5200, 0.8]),
      read_pull_request: read('pull_requests', [12_500, 1.1]),
      comment_pull_request: store('pull_requests', [240, 0.2]),
      push_commit: store('branches', [420, 0.3], { bytes_in: [6800, 1.1] }),
    },
  ],
  issues: [
    1,
    {
      read_issue: read('issues', [4100, 0.8]),
      update_issue: store('issues', [190, 0.2]),
    },
  ],
  ci: [
    6,
    {
      run_pipeline: execute('builds', [380, 0.2], { error: 0.06, latency_ms: [40_000, 0.8] }),
      read_build_log: read('builds', [64_000, 1.0]),
    },
  ],
  sandbox: [
    1,
    {
      run_command: execute('workspaces', [2600, 1.3], { error: 0.08 }),
      run_tests: execute('workspaces', [9800, 0.9], { error: 0.11, latency_ms: [24_000, 0.9] }),
      write_file: store('workspaces', [120, 0.2], { bytes_in: [5200, 1.0] }),
    },
  ],
  registry: [1, { read_package: read('packages', [18_000, 1.0], { trait: 'external' }) }],
  warehouse: [
    4,
    {
      list_tables: search('schemas', [11_000, 0.5], { records: [60, 0.5] }),
      describe_table: read('tables', [3300, 0.5]),
      run_query: read('tables', [42_000, 1.4], {
        records: [320, 1.4],
        error: 0.04,
        denied: 0.004,
        latency_ms: [6500, 1.0],
      }),
      read_partition: read('partitions', [900_000, 0.7], { records: [9000, 0.7], latency_ms: [9000, 0.7] }),
      load_table: store('tables', [300, 0.2], {
        bytes_in: [700_000, 1.0],
        records: [7000, 1.0],
        latency_ms: [14_000, 0.7],
      }),
      export_result: export_('reports', [420_000, 1.0], { records: [3200, 1.0], denied: 0.005 }),
    },
  ],
  bi: [
    2,
    {
      read_dashboard: read('dashboards', [21_000, 0.7]),
      refresh_dashboard: execute('dashboards', [340, 0.2]),
      publish_report: store('reports', [260, 0.2], { bytes_in: [64_000, 0.9] }),
    },
  ],
  web: [
    1,
    {
      search_web: search('web_index', [7800, 0.5], { trait: 'external', records: [10, 0.2] }),
      fetch_page: read('pages', [38_000, 1.0], { trait: 'external', error: 0.05 }),
    },
  ],
  drive: [
    3,
    {
      search_files: search('folders', [4600, 0.6]),
      read_file: read('documents', [32_000, 1.2], { denied: 0.006 }),
      write_file: store('documents', [220, 0.2], { bytes_in: [18_000, 1.0] }),
      share_file: send('recipients', [36_000, 1.1], { denied: 0.01 }),
    },
  ],
  mail: [
    2,
    {
      search_mail: search('mailboxes', [6900, 0.6]),
      read_message: read('messages', [9400, 1.0], { trait: 'external' }),
      send_message: send('recipients', [3100, 0.9]),
    },
  ],
  chat: [4, { post_message: store('channels', [150, 0.2], { bytes_in: [620, 0.7] }) }],
  calendar: [
    1,
    {
      find_slot: search('calendars', [2400, 0.4]),
      create_event: store('calendars', [310, 0.2]),
    },
  ],
  hris: [
    3,
    {
      read_employee: read('employees', [3400, 0.4], { records: [1, 0], denied: 0.006 }),
      search_employees: search('directory', [7200, 0.5]),
      read_policy: read('policies', [15_000, 0.6]),
      update_employee: store('employees', [210, 0.2]),
      read_payroll: read('payroll', [88_000, 0.7], { records: [140, 0.7], denied: 0.01 }),
    },
  ],
  ats: [
    2,
    {
      read_candidate: read('candidates', [24_000, 0.8], { trait: 'external' }),
      score_candidate: recommend('candidates', [700, 0.3]),
    },
  ],
  observability: [
    9,
    {
      read_incident: read('incidents', [3800, 0.6]),
      query_metric: read('metrics', [15_000, 0.8], { error: 0.02 }),
      search_logs: search('log_streams', [52_000, 1.1], { records: [200, 0.9] }),
    },
  ],
  cluster: [
    1,
    {
      read_deployment: read('deployments', [6800, 0.5]),
      restart_deployment: execute('deployments', [280, 0.2]),
      scale_deployment: execute('deployments', [260, 0.2], { denied: 0.01 }),
    },
  ],
  runbooks: [1, { read_runbook: read('runbooks', [9600, 0.5]) }],
  secrets: [2, { read_secret: read('secrets', [420, 0.3], { denied: 0.03 }) }],
  contracts: [
    2,
    {
      read_contract: read('contracts', [96_000, 0.8]),
      search_clauses: search('clause_library', [8200, 0.5]),
      propose_redline: recommend('contracts', [5200, 0.6]),
      file_review: store('contracts', [260, 0.2]),
    },
  ],
  matters: [1, { read_matter: read('matters', [120_000, 0.9], { records: [40, 0.8], denied: 0.01 }) }],
  agents: [1, { delegate_task: delegate('agents', [340, 0.3]) }],
} as const satisfies Record<string, readonly [major: number, tools: Record<string, Spec>]>;

const MODEL_STEPS = {
  'model.summarize': think('summarize', 3200, 380),
  'model.recommend': think('recommend', 4100, 520),
};

function toolOf(key: string, ordinal: number, server: Server | undefined, spec: Spec): Tool {
  return {
    key,
    ordinal,
    name: key.slice(key.indexOf('.') + 1),
    server,
    operation: spec.operation,
    pool: spec.pool === undefined ? undefined : POOLS[spec.pool],
    bytes_in: spec.bytes_in ?? ARGUMENTS,
    bytes_out: spec.bytes_out,
    records: spec.records,
    tokens: spec.tokens,
    latency_ms: spec.latency_ms ?? [420, 0.7],
    error: spec.error ?? 0.008,
    denied: spec.denied ?? 0.001,
    trait: spec.trait,
  };
}

function build(): readonly Tool[] {
  const specs: [string, Server | undefined, Spec][] = [];
  for (const [key, [major, tools]] of Object.entries(SERVERS)) {
    const server: Server = { key, name: `${key}-mcp`, major };
    for (const [name, spec] of Object.entries(tools)) specs.push([`${key}.${name}`, server, spec]);
  }
  for (const [key, spec] of Object.entries(MODEL_STEPS)) specs.push([key, undefined, spec]);
  return specs.map(([key, server, spec], ordinal) => toolOf(key, ordinal, server, spec));
}

const TOOLS: readonly Tool[] = build();
const BY_KEY = new Map(TOOLS.map((tool) => [tool.key, tool]));

/** Throws RangeError on a name that no server has: the catalogue itself is wrong then. */
export function toolNamed(key: string): Tool {
  const tool = BY_KEY.get(key);
  if (tool === undefined) throw new RangeError(`no tool is called ${JSON.stringify(key)}`);
  return tool;
}
