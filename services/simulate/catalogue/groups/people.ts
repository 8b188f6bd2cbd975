import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const people: Group = {
  name: 'human-resources',
  owner: 'team-people-systems',
  tasks: tasks({
    helpdesk: [
      'employee-question',
      'hris.read_policy{1,2} hris.read_employee?0.7 model.summarize? chat.post_message?0.6',
    ],
    screen: ['candidate-screening', 'ats.read_candidate{1,4} drive.read_file?0.3 ats.score_candidate{1,4}'],
    schedule: [
      'interview-scheduling',
      'ats.read_candidate calendar.find_slot{1,2} calendar.create_event mail.send_message',
    ],
    records: ['records-update', 'hris.search_employees hris.read_employee{1,2} hris.update_employee'],
    payroll: ['payroll-check', 'hris.read_payroll{1,2} hris.read_employee{1,4} model.recommend?'],
    onboarding: [
      'onboarding',
      'hris.read_employee drive.read_file{1,2} calendar.create_event{1,2} mail.send_message?0.5 chat.post_message?',
    ],
    survey: ['survey-summary', 'drive.search_files drive.read_file{2,5} model.summarize drive.write_file'],
  }),
  roles: [
    {
      slug: 'people-helpdesk',
      kind: 'agent',
      weight: 3,
      tasks: { helpdesk: 9, records: 3, onboarding: 1 },
      sessions_per_day: [8, 0.5],
      rhythm: 'office',
      cadence: 'demand',
      principals: 24,
      model: 'lumen-4-mini',
      host: 'cluster',
    },
    {
      slug: 'talent-screener',
      kind: 'agent',
      weight: 3,
      tasks: { screen: 7, schedule: 5, survey: 0.4 },
      sessions_per_day: [6, 0.5],
      rhythm: 'office',
      cadence: 'demand',
      principals: 5,
      model: 'lumen-4-large',
      host: 'cluster',
    },
    {
      slug: 'payroll-checker',
      kind: 'agent',
      weight: 1,
      tasks: { payroll: 7, records: 2 },
      sessions_per_day: [3, 0.4],
      rhythm: 'office',
      cadence: 'demand',
      principals: 2,
      model: 'lumen-4-large',
      host: 'cluster',
    },
  ],
};
