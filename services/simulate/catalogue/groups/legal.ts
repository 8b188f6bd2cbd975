import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const legal: Group = {
  name: 'legal',
  owner: 'team-legal-operations',
  tasks: tasks({
    review: [
      'contract-review',
      'contracts.read_contract contracts.search_clauses{1,3} model.recommend contracts.propose_redline contracts.file_review?0.6',
    ],
    find: ['contract-lookup', 'contracts.search_clauses{1,2} contracts.read_contract{1,3} model.summarize'],
    counterparty: ['counterparty-check', 'contracts.read_contract web.search_web web.fetch_page{1,3} model.summarize'],
    respond: [
      'contract-correspondence',
      'mail.read_message{1,2} contracts.read_contract drive.read_file? mail.send_message?0.7',
    ],
    discovery: ['matter-review', 'matters.read_matter{1,2} drive.read_file{1,4} model.summarize drive.write_file?'],
    obligations: ['obligation-tracking', 'contracts.read_contract{2,6} model.summarize calendar.create_event?'],
  }),
  roles: [
    {
      slug: 'contract-reviewer',
      kind: 'agent',
      weight: 3,
      tasks: { review: 7, find: 5, counterparty: 1, respond: 2, obligations: 1 },
      sessions_per_day: [4, 0.5],
      rhythm: 'office',
      cadence: 'demand',
      principals: 4,
      model: 'orion-large',
      host: 'cluster',
    },
    {
      slug: 'matter-assistant',
      kind: 'agent',
      weight: 1,
      tasks: { discovery: 7, find: 2, respond: 1 },
      sessions_per_day: [2.5, 0.4],
      rhythm: 'office',
      cadence: 'demand',
      principals: 2,
      model: 'orion-large',
      host: 'cluster',
    },
  ],
};
