import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const analytics: Group = {
  name: 'data-analytics',
  owner: 'team-data-platform',
  tasks: tasks({
    question: [
      'ad-hoc-analysis',
      'warehouse.list_tables? warehouse.describe_table{1,3} warehouse.run_query{1,5} model.summarize',
    ],
    dashboard: ['dashboard-upkeep', 'bi.read_dashboard warehouse.run_query{1,3} bi.refresh_dashboard{1,2}'],
    report: ['weekly-reporting', 'warehouse.run_query{2,5} model.summarize bi.publish_report chat.post_message?0.6'],
    extract: [
      'data-extract',
      'warehouse.describe_table warehouse.run_query{1,2} warehouse.export_result drive.share_file?0.25',
    ],
    load: ['nightly-load', 'warehouse.read_partition{1,3} warehouse.load_table{1,2}'],
    quality: ['data-quality', 'warehouse.run_query{3,7} issues.update_issue?0.2 chat.post_message?0.3'],
    backfill: [
      'historical-backfill',
      'warehouse.describe_table warehouse.read_partition{8,24} warehouse.load_table{2,5}',
    ],
    market: [
      'market-research',
      'web.search_web{1,2} web.fetch_page{2,5} warehouse.run_query{0,2} model.summarize drive.write_file',
    ],
  }),
  roles: [
    {
      slug: 'insights-analyst',
      kind: 'agent',
      weight: 6,
      tasks: { question: 8, dashboard: 2, report: 2, extract: 1.4, market: 0.7 },
      sessions_per_day: [6, 0.55],
      rhythm: 'office',
      cadence: 'demand',
      principals: 11,
      model: 'orion-large',
      host: 'cluster',
    },
    {
      slug: 'dashboard-keeper',
      kind: 'agent',
      weight: 3,
      tasks: { dashboard: 8, report: 2, quality: 3 },
      sessions_per_day: [8, 0.4],
      rhythm: 'shift',
      cadence: 'demand',
      principals: 0,
      model: 'lumen-4-mini',
      host: 'cluster',
    },
    {
      slug: 'warehouse-loader',
      kind: 'workload',
      weight: 2,
      tasks: { load: 9, quality: 2, backfill: 0.12 },
      sessions_per_day: [10, 0.3],
      rhythm: 'night',
      cadence: 'cron',
      principals: 0,
      model: 'lumen-4-mini',
      host: 'cluster',
    },
  ],
};
