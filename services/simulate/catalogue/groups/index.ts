import type { Group, Role } from '../types.ts';
import { analytics } from './analytics.ts';
import { engineering } from './engineering.ts';
import { finance } from './finance.ts';
import { infrastructure } from './infrastructure.ts';
import { legal } from './legal.ts';
import { people } from './people.ts';
import { sales } from './sales.ts';
import { support } from './support.ts';

export const GROUPS: readonly Group[] = [
  support,
  finance,
  engineering,
  sales,
  analytics,
  people,
  infrastructure,
  legal,
];

/** Every role with its group, in the order of the catalogue. */
export const POSITIONS: readonly { readonly group: Group; readonly role: Role }[] = GROUPS.flatMap((group) =>
  group.roles.map((role) => ({ group, role })),
);
