import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { Config } from '../../schemas/config.ts';
import { OTHER_VARIABLES, variableOf } from '../../services/platform/config-variables.ts';
import { load } from './source.ts';

type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly default?: unknown };

/** Every key with its default and its variable, as docs/configuration.md should have it. */
function keys(schema: Schema, path: readonly string[]): string[] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, inner]) => keys(inner, [...path, key]));
  }
  const value = schema.default;
  const shown = value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
  return [`${path.join('.')} ${shown} ${variableOf(path)}`];
}

describe('docs/configuration.md', () => {
  const { text } = load('docs/configuration.md');

  test('has every key with its default and its variable, and no other', () => {
    const rows = [...text.matchAll(/^\| `([a-z0-9_.]+)` \| ?(\S*) \| `(\w+)` \| \S.*\|$/gm)];
    assert.deepEqual(
      rows.map(([, key, value, variable]) => `${key} ${value} ${variable}`),
      keys(z.toJSONSchema(Config, { io: 'input' }) as Schema, []),
    );
  });

  test('names every other variable', () => {
    for (const name of OTHER_VARIABLES) assert.ok(text.includes(`\`${name}\``), name);
  });
});
