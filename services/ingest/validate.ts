import { Ajv, type ValidateFunction } from 'ajv';
import { z } from 'zod';
import { EventInput } from '../../schemas/event.ts';
import { explainIssues, type Problem, problemText } from './explain.ts';
import type { Refusal } from './refusal.ts';
import { refuseTime } from './time.ts';

/**
 * The event schema, compiled once. zod stays its only source: ajv runs what zod's JSON Schema says, three times as fast,
 * and zod explains what ajv refused. Patterns see UTF-16 code units, as they do in zod, hence `unicodeRegExp`.
 */
const compiled: ValidateFunction<EventInput> = new Ajv({
  strict: true,
  unicodeRegExp: false,
  validateFormats: false,
  messages: false,
  logger: false,
}).compile<EventInput>(z.toJSONSchema(EventInput, { target: 'draft-7', io: 'input' }));

/** Whether the value is a valid event. Unknown fields are no reason against it. */
export function isEventInput(value: unknown): value is EventInput {
  return compiled(value);
}

/** Why ajv refused it, in zod's words: the first problem is the reason, the number of others is told. */
export function explainRefusal(value: unknown): Refusal {
  const parsed = EventInput.safeParse(value);
  if (parsed.success) throw new Error('ajv refused what zod accepts: the compiled schema and its source disagree');
  const problems = explainIssues(parsed.error.issues, value);
  const first = problems[0] as Problem;
  if (
    (first.field === 'time' || first.field === 'observed_time') &&
    first.value !== null &&
    first.value !== undefined
  ) {
    return refuseTime(first.value, first.field);
  }
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return { kind: 'refused', reason: 'schema_mismatch', field: first.field, message: `${problemText(first)}${more}` };
}
