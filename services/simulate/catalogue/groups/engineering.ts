import { tasks } from '../grammar.ts';
import type { Group } from '../types.ts';

export const engineering: Group = {
  name: 'software-engineering',
  owner: 'team-developer-experience',
  tasks: tasks({
    fix: [
      'bug-fix',
      'issues.read_issue git.search_code{1,3} git.read_file{2,7} sandbox.write_file{1,3} sandbox.run_tests{1,3} git.push_commit issues.update_issue?',
    ],
    explore: ['code-question', 'git.search_code{1,4} git.read_file{1,6} model.summarize?'],
    review: [
      'code-review',
      'git.read_pull_request git.read_file{1,6} ci.read_build_log?0.4 git.comment_pull_request{1,3}',
    ],
    upgrade: [
      'dependency-upgrade',
      'registry.read_package{1,3} web.fetch_page{0,2} git.read_file{1,2} sandbox.write_file sandbox.run_tests{1,3} git.push_commit',
    ],
    ci_repair: [
      'build-repair',
      'ci.read_build_log{1,2} git.read_file{1,4} sandbox.run_command{1,4} git.push_commit?0.7 ci.run_pipeline',
    ],
    research: [
      'technical-research',
      'web.search_web{1,2} web.fetch_page{1,4} git.read_file{0,2} model.summarize drive.write_file?0.3',
    ],
    document: ['documentation', 'git.read_file{2,5} drive.read_file? model.summarize drive.write_file'],
    notes: ['release-notes', 'git.read_pull_request{3,9} model.summarize chat.post_message mail.send_message?0.15'],
  }),
  roles: [
    {
      slug: 'code-assistant',
      kind: 'agent',
      weight: 11,
      tasks: { fix: 6, explore: 6, upgrade: 1, research: 1.5, document: 1 },
      sessions_per_day: [6, 0.7],
      rhythm: 'office',
      cadence: 'demand',
      principals: 1,
      model: 'orion-code',
      host: 'laptop',
    },
    {
      slug: 'code-review',
      kind: 'agent',
      weight: 5,
      tasks: { review: 10, explore: 1, notes: 0.3 },
      sessions_per_day: [11, 0.5],
      rhythm: 'shift',
      cadence: 'demand',
      principals: 22,
      model: 'orion-code',
      host: 'cluster',
    },
    {
      slug: 'build-medic',
      kind: 'agent',
      weight: 3,
      tasks: { ci_repair: 8, upgrade: 2, notes: 0.6 },
      sessions_per_day: [6, 0.5],
      rhythm: 'shift',
      cadence: 'demand',
      principals: 0,
      model: 'orion-code',
      host: 'cluster',
    },
  ],
};
