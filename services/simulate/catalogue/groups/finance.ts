import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const finance: Group = {
  name: 'finance-operations',
  owner: 'team-finance-systems',
  tasks: tasks({
    match: [
      'invoice-matching',
      'mail.read_message? billing.read_invoice erp.read_purchase_order{1,2} erp.read_vendor?0.6 erp.match_invoice',
    ],
    book: ['accruals', 'erp.read_ledger{1,3} model.recommend?0.4 erp.post_journal{1,2}'],
    pay: ['payment-run', 'erp.read_vendor billing.read_invoice{1,4} erp.schedule_payment{1,3}'],
    reconcile: [
      'bank-reconciliation',
      'treasury.read_statement erp.read_ledger{1,4} billing.read_payment{1,4} model.summarize? drive.write_file?',
    ],
    close: ['period-close', 'erp.read_ledger{2,5} warehouse.run_query{0,2} erp.export_ledger?0.3 bi.publish_report?'],
    expense: ['expense-audit', 'drive.read_file{1,3} hris.read_employee?0.4 model.recommend erp.match_invoice?'],
    vendor_mail: [
      'vendor-inquiry',
      'mail.search_mail mail.read_message{1,2} erp.read_vendor billing.read_invoice mail.send_message',
    ],
    forecast: [
      'cash-forecast',
      'warehouse.run_query{1,3} erp.read_ledger model.summarize drive.write_file drive.share_file?0.2',
    ],
  }),
  roles: [
    {
      slug: 'invoice-matcher',
      kind: 'agent',
      weight: 5,
      tasks: { match: 10, vendor_mail: 2, expense: 0.6 },
      sessions_per_day: [10, 0.5],
      rhythm: 'office',
      cadence: 'demand',
      principals: 4,
      model: 'lumen-4-large',
      host: 'cluster',
    },
    {
      slug: 'payment-runner',
      kind: 'service',
      weight: 2,
      tasks: { pay: 8, reconcile: 3 },
      sessions_per_day: [9, 0.3],
      rhythm: 'office',
      cadence: 'cron',
      principals: 0,
      model: 'lumen-4-mini',
      host: 'cluster',
    },
    {
      slug: 'ledger-analyst',
      kind: 'agent',
      weight: 5,
      tasks: { reconcile: 5, book: 3, close: 3, forecast: 2, expense: 2 },
      sessions_per_day: [5, 0.5],
      rhythm: 'office',
      cadence: 'demand',
      principals: 5,
      model: 'orion-large',
      host: 'cluster',
    },
  ],
};
