/** Invented, generic names. Companies end in `.example`, which RFC 2606 keeps free of real owners. */
const FIRST_NAMES =
  'amara bjorn chidi dalia elif farid greta hana ivo jun kofi lena marek nadia omar petra quinn rosa samir tala umar vera wen yara zoe anders bela carmen dmitri esme felix gia'.split(
    ' ',
  );
const LAST_NAMES =
  'okafor lindqvist marsh haddad yilmaz novak sorensen tanaka petrov adeyemi castellan brandt ferreira ito kowalska mensah nakamura oduya pereira rahimi santos teller ueda vasquez weber xu yamada zielinski abbott barrow'.split(
    ' ',
  );
const COMPANY_HEADS =
  'north cedar harbor silver stone river summit amber cobalt maple granite meadow orchard pine quarry raven'.split(' ');
const COMPANY_TAILS =
  'field works supply foods logistics textiles medical optics freight energy paper studios marine tools parts retail'.split(
    ' ',
  );
const TOPICS =
  'refund shipping warranty login billing invoice export import pricing discount renewal migration backup access audit onboarding returns delivery tax payroll travel expense security privacy retention quota limits webhook sync report'.split(
    ' ',
  );
const FORMS = 'policy guide checklist faq overview howto runbook notes summary plan brief matrix'.split(' ');

const at = (list: readonly string[], index: number): string => list[index % list.length] ?? '';

/** Spreads consecutive indices over a list without repeating their order. */
export const spread = (index: number): number => (Math.imul(index + 1, 0x9e3779b1) >>> 0) % 1_048_573;

export function company(index: number): string {
  const name = at(COMPANY_HEADS, index) + at(COMPANY_TAILS, Math.floor(index / COMPANY_HEADS.length) + index);
  const round = Math.floor(index / 256);
  return round === 0 ? name : `${name}${round + 1}`;
}

export function person(index: number): string {
  const round = Math.floor(index / (FIRST_NAMES.length * LAST_NAMES.length));
  const name = `${at(FIRST_NAMES, index)}.${at(LAST_NAMES, Math.floor(index / FIRST_NAMES.length) + index)}`;
  return round === 0 ? name : `${name}${round + 1}`;
}

/** An address at one of several hundred invented companies; distinct for distinct indices. */
export function outsideAddress(index: number): string {
  return `${person(index)}@${company(spread(index) % 700)}.example`;
}

export function topic(index: number): string {
  return `${at(TOPICS, spread(index))}-${at(FORMS, Math.floor(spread(index) / 7))}-${index}`;
}

/** Distinct for the first thirty indices. */
export function section(index: number): string {
  return at(TOPICS, index);
}

export function word(index: number): string {
  return at(TOPICS, spread(index));
}

export function base36(index: number): string {
  return ((Math.imul(index + 1, 0x9e3779b1) >>> 0) + 0x10000000).toString(36);
}
