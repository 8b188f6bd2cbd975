import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const infrastructure: Group = {
  name: 'site-reliability',
  owner: 'team-platform-operations',
  tasks: tasks({
    investigate: [
      'incident-triage',
      'observability.read_incident observability.query_metric{1,5} observability.search_logs{1,4} cluster.read_deployment? runbooks.read_runbook?0.6 model.summarize chat.post_message?0.6',
    ],
    remediate: [
      'incident-response',
      'observability.read_incident runbooks.read_runbook observability.query_metric{1,3} cluster.read_deployment cluster.restart_deployment|cluster.scale_deployment{1,2} observability.query_metric{1,2}',
    ],
    capacity: [
      'capacity-review',
      'observability.query_metric{3,8} cluster.read_deployment{1,4} model.recommend cluster.scale_deployment?0.4',
    ],
    rotate: ['secret-rotation', 'secrets.read_secret cluster.read_deployment cluster.restart_deployment'],
    drift: ['configuration-audit', 'cluster.read_deployment{3,9} git.read_file{1,4} issues.update_issue?0.3'],
    log_review: ['log-review', 'observability.search_logs{2,6} model.summarize drive.write_file?0.2'],
    handover: [
      'on-call-handover',
      'observability.read_incident{2,6} drive.read_file? model.summarize chat.post_message',
    ],
    vendor: ['provider-status', 'web.fetch_page{1,3} observability.query_metric? mail.send_message?0.3'],
  }),
  roles: [
    {
      slug: 'incident-triage',
      kind: 'agent',
      weight: 4,
      tasks: { investigate: 9, log_review: 2, handover: 1, vendor: 0.5 },
      sessions_per_day: [9, 0.5],
      rhythm: 'always',
      cadence: 'demand',
      principals: 0,
      model: 'orion-large',
      host: 'cluster',
    },
    {
      slug: 'runbook-operator',
      kind: 'agent',
      weight: 3,
      tasks: { remediate: 7, investigate: 3, rotate: 0.8 },
      sessions_per_day: [5, 0.4],
      rhythm: 'always',
      cadence: 'demand',
      principals: 8,
      model: 'orion-large',
      host: 'cluster',
    },
    {
      slug: 'config-auditor',
      kind: 'service',
      weight: 2,
      tasks: { drift: 8, capacity: 3 },
      sessions_per_day: [6, 0.3],
      rhythm: 'always',
      cadence: 'cron',
      principals: 0,
      model: 'lumen-4-mini',
      host: 'cluster',
    },
  ],
};
