import type { Finding } from '../../schemas/finding.ts';

/** A finding as far as what is made of it is concerned. */
export function findingOf(
  pattern: string,
  bits: number,
  subject?: Finding['subject'],
  maturity: 'learning' | 'mature' = 'mature',
): Finding {
  return {
    id: pattern,
    detector: 'd',
    family: 'tool_usage',
    pattern,
    time: 0,
    log_time: 0,
    probability: 2 ** -bits,
    bits,
    ...(subject === undefined ? {} : { subject }),
    observed: { name: 'o', value: 1 },
    expected: { name: 'e', value: 1 },
    history: { events: 900, sessions: 90, days: 9, maturity, basis: 'identity' },
    evidence: [{ key: 'k', id: 'i', time: 0 }],
    sentence: `Because of ${pattern}.`,
  };
}
