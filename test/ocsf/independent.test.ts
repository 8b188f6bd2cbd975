import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { ocsfJson } from '../../schemas/ocsf/to-ocsf.ts';
import { anyAlert, explainedAlert, plainAlert } from './alerts.ts';

const SCRIPT = fileURLToPath(new URL('./validate.py', import.meta.url));
const PYTHON = process.env.PYTHON ?? 'python3';

const validate = (lines: readonly string[]) =>
  spawnSync(PYTHON, [SCRIPT], { input: lines.join('\n'), encoding: 'utf8', timeout: 60_000 });

it('the PyPI package ocsf-json-schema takes what we write', (t) => {
  const probe = validate([]);
  if (probe.error !== undefined || probe.status === 3) {
    t.skip('needs Python with ocsf-json-schema 1.2.0 and jsonschema; PYTHON names the interpreter');
    return;
  }
  const documents = [plainAlert(), explainedAlert(), ...fc.sample(anyAlert, { seed: 2004, numRuns: 150 })].map(
    ocsfJson,
  );
  const result = validate(documents);
  assert.equal(result.stdout, '', result.stdout.slice(0, 2_000));
  assert.equal(result.status, 0, result.stderr);

  const wrong = { ...(JSON.parse(documents[0] as string) as object), severity_id: 7, colour: 'red' };
  assert.match(validate([JSON.stringify(wrong)]).stdout, /severity_id[\s\S]*colour|colour[\s\S]*severity_id/);
});
