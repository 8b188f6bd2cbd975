import type { Alternative, ContainmentAction, Recommendation, Severity } from '../schemas/alert.ts';
import { CONTAINMENT_ACTIONS } from '../schemas/alert.ts';
import type { Theme } from './recommend.ts';
import { plural } from './sentences.ts';

/** What decides which containment is proposed. */
export type Case = {
  readonly theme: Theme;
  readonly severity: Severity;
  readonly identity: string;
  /** What a narrower containment could be aimed at, where findings or events name it. */
  readonly tool?: string | undefined;
  readonly sensitive?: string | undefined;
  readonly session?: string | undefined;
  readonly credential?: string | undefined;
  /** Sessions that the story runs through. */
  readonly sessions: number;
  /** Sentence of the finding that shows that somebody else may hold the credential. */
  readonly elsewhere?: string | undefined;
  /** Sentence of the strongest finding. */
  readonly why: string;
};

export type Proposal = { readonly recommendation: Recommendation; readonly alternatives: Alternative[] };

/** The narrowest containment that stops what the story is about, and why none of the others. */
export function proposalFor(one: Case): Proposal {
  const { action, because } = choiceOf(one);
  const target = targetOf(one, action) ?? one.identity;
  const first = one.elsewhere === undefined || one.elsewhere === one.why ? '' : `${one.elsewhere} `;
  const reason = `${because} ${action === 'revoke_credential' ? first : ''}${one.why}`;
  return {
    recommendation: { action, target, parameters: {}, reason },
    alternatives: CONTAINMENT_ACTIONS.filter((other) => other !== action).map((other) =>
      alternativeTo(one, action, other),
    ),
  };
}

type Choice = { readonly action: ContainmentAction; readonly because: string };

function choiceOf(one: Case): Choice {
  const { theme, severity, tool, sensitive, session, credential } = one;
  if (one.elsewhere !== undefined && credential !== undefined) {
    return {
      action: 'revoke_credential',
      because:
        'Somebody else may hold the credential; revoking it shuts them out, and the identity can be given another.',
    };
  }
  if (theme === 'silence') return silent;
  if (theme === 'probing' && credential !== undefined) {
    return {
      action: 'revoke_credential',
      because: 'The credential is used to try doors that stay shut; revoking it ends that, whatever is tried next.',
    };
  }
  if (theme === 'reach' && sensitive !== undefined) {
    return {
      action: 'restrict_data_class',
      because: 'Data of this class is outside what the identity usually touches; the rest of its work can go on.',
    };
  }
  if ((theme === 'exfiltration' || theme === 'collection') && isSpreading(one)) {
    return { action: 'suspend_agent', because: 'Data may be leaving now; suspending the identity stops that at once.' };
  }
  if (theme === 'misuse' && tool !== undefined) return withoutTool;
  if (session !== undefined) {
    return {
      action: 'quarantine_session',
      because: 'This session departs from habit; quarantining it stops all it does, and other sessions can go on.',
    };
  }
  if (tool !== undefined) return withoutTool;
  return {
    action: 'suspend_agent',
    because: `Nothing narrower than the identity can be named${severity === 'low' ? '; look before you approve' : ''}.`,
  };
}

/** A suspended agent that turns out to be dead has lost nothing; one whose telemetry was cut is stopped. */
const silent: Choice = {
  action: 'suspend_agent',
  because:
    'First look whether the agent runs and its audit pipeline delivers. If it runs, it works unseen (ATT&CK T1562.008): suspend it until its events arrive again.',
};

const withoutTool: Choice = {
  action: 'restrict_tool',
  because: 'What is unusual is the use of this tool; without it the identity can go on with its other work.',
};

/** One session alone can be stopped alone, unless it is so bad that the next one must not begin either. */
function isSpreading({ theme, severity, sessions, session }: Case): boolean {
  if (severity === 'critical' || session === undefined) return true;
  return theme === 'exfiltration' && severity === 'high' && sessions > 1;
}

function targetOf(one: Case, action: ContainmentAction): string | undefined {
  if (action === 'restrict_tool') return one.tool;
  if (action === 'restrict_data_class') return one.sensitive;
  if (action === 'quarantine_session') return one.session;
  return action === 'revoke_credential' ? one.credential : one.identity;
}

const UNNAMED: Readonly<Record<ContainmentAction, string>> = {
  restrict_tool: 'No tool stands out.',
  restrict_data_class: 'No data more sensitive than usual was touched.',
  quarantine_session: 'The events name no session.',
  revoke_credential: 'The events name no credential.',
  suspend_agent: '',
};

function alternativeTo(one: Case, chosen: ContainmentAction, action: ContainmentAction): Alternative {
  const target = targetOf(one, action);
  if (target === undefined) return { action, why_not: UNNAMED[action] };
  return { action, target, why_not: WHY_NOT[action](one, chosen) };
}

/** What speaks against an action whose target is known, given the one that was chosen. */
const WHY_NOT: Readonly<Record<ContainmentAction, (one: Case, chosen: ContainmentAction) => string>> = {
  restrict_tool: (_, chosen) => {
    if (chosen === 'revoke_credential') return 'Too narrow: whoever holds the credential keeps all other tools.';
    if (chosen === 'restrict_data_class') return 'Misses the point: other tools reach the same data.';
    return 'Too narrow: the tool is not all that is unusual, and the rest would go on.';
  },
  restrict_data_class: (_, chosen) =>
    chosen === 'revoke_credential'
      ? 'Too narrow: whoever holds the credential keeps all other data.'
      : 'Too narrow: the class of data is not all that is unusual.',
  quarantine_session: ({ sessions }, chosen) => {
    if (chosen === 'revoke_credential') return 'Too narrow: the credential can begin another session.';
    if (chosen !== 'suspend_agent') return 'Wider than needed: it stops all that the session does.';
    return sessions > 1
      ? `Too narrow: the story runs through ${plural(sessions, 'session', 'sessions')}.`
      : 'Too narrow: the identity can begin another session at once.';
  },
  revoke_credential: (_, chosen) =>
    chosen === 'suspend_agent'
      ? 'Too narrow: the identity may hold other credentials, and nothing shows that this one is in other hands.'
      : 'Wider than needed: nothing shows that the credential is in other hands.',
  suspend_agent: (_, chosen) =>
    chosen === 'revoke_credential'
      ? 'Wider than needed: the identity can go on with another credential.'
      : 'Wider than needed: it stops all work of the identity.',
};
