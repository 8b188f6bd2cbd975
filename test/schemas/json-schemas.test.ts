import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { JSON_DIR, schemaFiles } from '../../schemas/generate.ts';

describe('the published JSON Schema files', () => {
  test('are what the zod schemas give; if not, run npm run schemas', () => {
    const files = schemaFiles();
    assert.deepEqual(fs.readdirSync(JSON_DIR).sort(), [...files.keys()].sort());
    for (const [name, text] of files) {
      assert.equal(fs.readFileSync(new URL(name, JSON_DIR), 'utf8'), text, `${name} is stale: run npm run schemas`);
    }
  });

  test('are valid JSON Schema of draft 2020-12', () => {
    for (const [name, text] of schemaFiles()) {
      const ajv = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false });
      assert.doesNotThrow(() => ajv.compile(JSON.parse(text)), name);
    }
  });

  test('take what is right and refuse what is wrong', () => {
    const accepts = (name: string, value: unknown): boolean =>
      new Ajv2020({ validateFormats: false }).validate(JSON.parse(schemaFiles().get(`${name}.json`) ?? ''), value);
    const event = { id: 'e-1', time: '2025-01-01T00:00:00Z', identity: { id: 'agent-1' } };
    assert.ok(accepts('event-input', event));
    assert.ok(accepts('event-input', { ...event, field_of_tomorrow: 1 }));
    assert.ok(!accepts('event-input', { ...event, identity: {} }));
    assert.ok(accepts('config', {}));
    assert.ok(!accepts('config', { listen: { port: 99_999 } }));
    assert.ok(!accepts('config', { lissten: {} }));
  });
});
