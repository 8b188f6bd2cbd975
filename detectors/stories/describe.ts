import type { AlertMember, Recommendation, Severity, Technique } from '../../schemas/alert.ts';
import { name } from '../sentences.ts';
import { type StoryPattern, sentenceOf, type Telling, whoOf } from './telling.ts';

/** Of a story over several identities: what a person reads first, and what is worth proposing (promise P5). */
export type StoryDescription = {
  readonly title: string;
  readonly summary: string;
  readonly severity: Severity;
  readonly recommendation: Recommendation;
  readonly techniques: Technique[];
};

/** Of tellings of one story, the strongest first, and the identities in it. */
export function describeStory(tellings: readonly Telling[], members: readonly AlertMember[]): StoryDescription {
  const main = tellings[0] as Telling;
  return {
    title: titleOf(main),
    summary: summaryOf(tellings, members),
    severity: severityOf(tellings),
    recommendation: recommend(tellings, members),
    techniques: [...new Map(tellings.flatMap(({ pattern }) => TECHNIQUES[pattern]).map((t) => [t.id, t])).values()],
  };
}

function titleOf({ pattern, subject, visits }: Telling): string {
  const who = whoOf(visits);
  if (pattern === 'shared_pattern') return `${who} of one group depart from habit alike: ${name(subject.value)}`;
  const passed = pattern === 'handed_on_target' ? 'passed from one to the next' : 'taken up one after another';
  return `${who}, one new ${subject.kind.replaceAll('_', ' ')} ${passed}: ${name(subject.value)}`;
}

const SENTENCES_MAX = 2;
const NAMED_MAX = 6;

function summaryOf(tellings: readonly Telling[], members: readonly AlertMember[]): string {
  const sentences = tellings.slice(0, SENTENCES_MAX).map(sentenceOf);
  const named = members.slice(0, NAMED_MAX).map(({ identity, handed_by }) => {
    return handed_by === undefined ? name(identity.id) : `${name(identity.id)} (handed work by ${name(handed_by)})`;
  });
  const more = members.length > NAMED_MAX ? ` and ${members.length - NAMED_MAX} more` : '';
  return `${sentences.join(' ')} In order: ${named.join(', ')}${more}.`;
}

const SEVERITIES: readonly Severity[] = ['low', 'medium', 'high', 'critical'];
/** Bits from which the coincidence itself weighs more. */
const STRONG_BITS = 16;
/** Sensitivity of what is confidential, and of an operator's own classes. */
export const CONFIDENTIAL = 2;

/** Several identities are medium; a handed-on target, a sensitive or outbound one and a strong coincidence raise it by one each. */
function severityOf(tellings: readonly Telling[]): Severity {
  let level = 1;
  if (tellings.some(({ pattern }) => pattern === 'handed_on_target')) level++;
  if (tellings.some(({ sensitivity, outbound }) => outbound || sensitivity >= CONFIDENTIAL)) level++;
  if (tellings.some(({ bits }) => bits >= STRONG_BITS)) level++;
  return SEVERITIES[Math.min(level, SEVERITIES.length - 1)] as Severity;
}

const CLASSES = ['public', 'internal', 'confidential', 'restricted'] as const;

function recommend(tellings: readonly Telling[], [first]: readonly AlertMember[]): Recommendation {
  const main = tellings[0] as Telling;
  const why = sentenceOf(main);
  const about = (kind: string): string | undefined =>
    tellings.find(({ subject }) => subject.kind === kind)?.subject.value;
  const credential = about('credential');
  if (credential !== undefined) {
    return propose('revoke_credential', credential, `One credential serves several identities. ${why}`);
  }
  const sensitive = tellings.find(({ sensitivity }) => sensitivity >= CONFIDENTIAL);
  if (sensitive !== undefined) {
    const target = CLASSES[sensitive.sensitivity] as string;
    return propose(
      'restrict_data_class',
      target,
      `Data of this class is what they reach for; begin with the first. ${why}`,
    );
  }
  const tool = about('tool');
  if (tool !== undefined) return propose('restrict_tool', tool, `Without the tool the story cannot go on. ${why}`);
  const session = first?.sessions[0];
  if (session !== undefined) return propose('quarantine_session', session, `The story begins in this session. ${why}`);
  return propose('suspend_agent', first?.identity.id ?? '', `The story begins with this identity. ${why}`);
}

function propose(action: Recommendation['action'], target: string, reason: string): Recommendation {
  return { action, target, parameters: {}, reason };
}

const asi = (id: string, name: string): Technique => ({ framework: 'owasp_asi', id, name });
const TOOL_INVOCATION: Technique = { framework: 'mitre_atlas', id: 'AML.T0053', name: 'AI Agent Tool Invocation' };
const VALID_ACCOUNTS: Technique = { framework: 'mitre_atlas', id: 'AML.T0012', name: 'Valid Accounts' };
const INJECTION: Technique = { framework: 'mitre_atlas', id: 'AML.T0051', name: 'LLM Prompt Injection' };
const SUPPLY_CHAIN = asi('ASI04', 'Agentic Supply Chain Vulnerabilities');
const MESSAGES = asi('ASI07', 'Insecure Inter-Agent Communication');
const CASCADE = asi('ASI08', 'Cascading Failures');

/** Names as in the sources of techniques.ts. */
const TECHNIQUES: Readonly<Record<StoryPattern, readonly Technique[]>> = {
  handed_on_target: [TOOL_INVOCATION, MESSAGES, CASCADE],
  emerging_target: [VALID_ACCOUNTS, CASCADE],
  shared_pattern: [INJECTION, SUPPLY_CHAIN, CASCADE],
};
