import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const sales: Group = {
  name: 'sales-crm',
  owner: 'team-revenue-operations',
  tasks: tasks({
    prep: [
      'meeting-preparation',
      'crm.read_account crm.read_opportunity web.search_web? web.fetch_page{0,3} model.summarize drive.write_file?0.3',
    ],
    outreach: [
      'prospect-outreach',
      'crm.search_accounts crm.read_account{1,3} web.fetch_page{0,2} mail.send_message{1,3} crm.log_activity',
    ],
    hygiene: ['pipeline-hygiene', 'crm.read_opportunity{2,6} crm.update_opportunity{1,4}'],
    quote: [
      'quote-drafting',
      'crm.read_account crm.read_opportunity drive.read_file{1,2} model.recommend drive.write_file drive.share_file?0.4',
    ],
    inbox: [
      'inbox-assistance',
      'mail.search_mail mail.read_message{1,4} crm.read_account?0.7 calendar.find_slot? calendar.create_event? mail.send_message?0.7',
    ],
    campaign: ['campaign-list', 'crm.search_accounts{1,2} crm.export_segment model.summarize?'],
    enrich: ['account-enrichment', 'crm.search_accounts web.search_web{1,2} web.fetch_page{1,3} crm.log_activity{1,2}'],
  }),
  roles: [
    {
      slug: 'account-copilot',
      kind: 'agent',
      weight: 7,
      tasks: { prep: 6, inbox: 6, quote: 2, outreach: 1 },
      sessions_per_day: [6, 0.5],
      rhythm: 'office',
      cadence: 'demand',
      principals: 3,
      model: 'lumen-4-large',
      host: 'laptop',
    },
    {
      slug: 'outreach-writer',
      kind: 'agent',
      weight: 4,
      tasks: { outreach: 9, enrich: 3, campaign: 0.7 },
      sessions_per_day: [8, 0.5],
      rhythm: 'office',
      cadence: 'demand',
      principals: 5,
      model: 'lumen-4-large',
      host: 'cluster',
    },
    {
      slug: 'crm-steward',
      kind: 'service',
      weight: 2,
      tasks: { hygiene: 9, enrich: 3, campaign: 0.4 },
      sessions_per_day: [12, 0.3],
      rhythm: 'always',
      cadence: 'cron',
      principals: 0,
      model: 'lumen-4-mini',
      host: 'cluster',
    },
  ],
};
