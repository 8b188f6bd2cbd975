import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { settingsOf } from '../../services/cli/recorded/inputs.ts';
import { loadConfig } from '../../services/platform/config.ts';
import { CALL, eventOf } from './genai-support.ts';

const ROOT = { parent_span_id: undefined };
const NAMELESS = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'get_weather' };

describe('settings of the operator', () => {
  let cwd = '';
  before(() => {
    cwd = fs.mkdtempSync(path.join(os.tmpdir(), 'genai-settings-'));
  });
  after(() => fs.rmSync(cwd, { recursive: true, force: true }));

  const write = (name: string, text: string): string => {
    const file = path.join(cwd, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const load = (yaml: string, environment = {}) =>
    loadConfig({ cwd, environment, file: write('countersign.yaml', yaml), overrides: {} });
  const settings = (yaml: string, environment = {}) => {
    const read = load(yaml, environment);
    return read.ok ? settingsOf(read) : assert.fail(read.problems[0]?.message ?? 'refused');
  };

  test('come from the file', () => {
    write('key', 'the key\n');
    const read = settings(
      [
        'ingest:',
        '  identity:',
        '    principal: [{ from: "claim:sub", kind: api_key }]',
        '    claims: attribute:token',
        '  content: { hash_key_file: key, keep: [gen_ai.tool.result], targets: catalogue }',
        '  otlp: { model_calls: accepted }',
      ].join('\n'),
    );
    const event = eventOf({ ...NAMELESS, token: '{"sub":"k-1"}', 'gen_ai.tool.result': 'ok' }, ROOT, read);
    assert.deepEqual([event.identity.id, event.identity.kind], ['k-1', 'api_key']);
    assert.equal(event.unmapped?.['gen_ai.tool.result'], 'ok');
    assert.match(String(event.unmapped?.['content_hash.result']), /^[0-9a-f]{32}$/);
    assert.equal(read.content.targets, 'catalogue');
    assert.equal(read.otlp.model_calls, 'accepted');
  });

  test('come from variables, those with parts as YAML', () => {
    const read = settings('{}', {
      COUNTERSIGN_INGEST_IDENTITY_AGENT_ID: '[{ from: "resource:host.name", kind: workload }]',
      COUNTERSIGN_INGEST_IDENTITY_SESSION: 'attribute:thread,attribute:other',
      COUNTERSIGN_INGEST_CONTENT_HASH_KEY: 'secret',
    });
    const event = eventOf({ ...CALL, other: 's-2' }, { resource: { 'host.name': 'h-1' } }, read);
    assert.deepEqual([event.identity.id, event.identity.kind, event.session], ['h-1', 'workload', 's-2']);
    assert.equal(read.content.hash_key, 'secret');
  });

  test('that name no place are refused with the remedy', () => {
    const read = load('ingest: { identity: { agent_id: [gen_ai.agent.id] } }');
    assert.ok(!read.ok);
    assert.match(read.problems[0]?.field ?? '', /^ingest\.identity\.agent_id/);
  });

  test('that are the same leave the same', () => {
    assert.deepEqual(eventOf(CALL, {}, settings('{}')), eventOf(CALL));
  });
});
