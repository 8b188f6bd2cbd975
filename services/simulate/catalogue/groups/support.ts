import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const support: Group = {
  name: 'customer-support',
  owner: 'team-support-platform',
  tasks: tasks({
    triage: [
      'ticket-triage',
      'helpdesk.list_queue? helpdesk.get_ticket model.summarize?0.6 helpdesk.update_ticket helpdesk.escalate_ticket?0.15',
    ],
    answer: [
      'customer-inquiry',
      'helpdesk.get_ticket knowledge.search_articles{1,3} knowledge.read_article{0,2} crm.read_customer?0.8 helpdesk.reply_ticket',
    ],
    billing_question: [
      'billing-inquiry',
      'helpdesk.get_ticket crm.read_customer billing.read_invoice{1,3} billing.read_payment?0.6 model.recommend?0.3 helpdesk.reply_ticket',
    ],
    credit: [
      'goodwill-credit',
      'helpdesk.get_ticket crm.read_customer billing.read_invoice{1,2} billing.read_payment billing.issue_credit helpdesk.reply_ticket',
    ],
    attachment: [
      'claim-review',
      'helpdesk.get_ticket helpdesk.get_attachment{1,3} model.summarize crm.read_customer?0.7 helpdesk.update_ticket',
    ],
    follow_up: ['customer-follow-up', 'helpdesk.get_ticket crm.read_customer mail.send_message helpdesk.update_ticket'],
    article_upkeep: [
      'knowledge-maintenance',
      'knowledge.search_articles{1,4} knowledge.read_article{1,4} drive.read_file{0,2} model.summarize',
    ],
    queue_report: ['queue-reporting', 'helpdesk.list_queue{2,6} drive.read_file? model.summarize chat.post_message'],
  }),
  roles: [
    {
      slug: 'support-triage',
      kind: 'agent',
      weight: 9,
      tasks: { triage: 10, answer: 2, attachment: 2, queue_report: 0.4 },
      sessions_per_day: [13, 0.55],
      rhythm: 'always',
      cadence: 'demand',
      principals: 0,
      model: 'lumen-4-mini',
      host: 'cluster',
    },
    {
      slug: 'support-reply',
      kind: 'agent',
      weight: 8,
      tasks: { answer: 10, billing_question: 4, follow_up: 1.5, attachment: 1, article_upkeep: 0.5 },
      sessions_per_day: [9, 0.5],
      rhythm: 'shift',
      cadence: 'demand',
      principals: 9,
      model: 'lumen-4-large',
      host: 'cluster',
    },
    {
      slug: 'support-billing',
      kind: 'agent',
      weight: 4,
      tasks: { billing_question: 8, credit: 3, answer: 2, follow_up: 1 },
      sessions_per_day: [7, 0.45],
      rhythm: 'office',
      cadence: 'demand',
      principals: 6,
      model: 'lumen-4-large',
      host: 'cluster',
    },
  ],
};
