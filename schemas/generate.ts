import fs from 'node:fs';
import { z } from 'zod';
import { Alert } from './alert.ts';
import { CatalogueFile } from './catalogue.ts';
import { Config } from './config.ts';
import { Containment } from './containment.ts';
import { ControlRecord } from './control.ts';
import { DeadLetter } from './dead-letter.ts';
import { Directive } from './directive.ts';
import { CanonicalEvent, EventInput } from './event.ts';
import { Finding } from './finding.ts';
import { MappingFile } from './mapping.ts';
import { OcsfDetectionFinding } from './ocsf/detection-finding.ts';
import { PolicyDocument } from './policy.ts';
import { DetectRecord } from './record.ts';
import { Verdict } from './verdict.ts';

/** Every shape that others write or read, with the sentence that heads its file. Add a line, run `npm run schemas`. */
const PUBLISHED: Readonly<Record<string, { readonly schema: z.ZodType; readonly description: string }>> = {
  'event-input': { schema: EventInput, description: 'An audit event as a source may send it.' },
  'canonical-event': { schema: CanonicalEvent, description: 'An audit event as ingest hands it on.' },
  'detect-record': { schema: DetectRecord, description: 'A record of the topic agent.audit.events.' },
  finding: { schema: Finding, description: "One detector's surprise about one event or window." },
  alert: { schema: Alert, description: 'Findings on one identity, grouped into one story.' },
  'detection-finding': { schema: OcsfDetectionFinding, description: 'An alert as OCSF 1.8.0, class 2004.' },
  containment: { schema: Containment, description: 'A proposed action with its approvals and its execution.' },
  'control-record': { schema: ControlRecord, description: 'A record of the topic agent.control.' },
  'dead-letter': { schema: DeadLetter, description: 'A rejected item with its reason and its original bytes.' },
  verdict: { schema: Verdict, description: "An analyst's judgement on an alert." },
  directive: { schema: Directive, description: 'What people told detection.' },
  policy: { schema: PolicyDocument, description: 'The containment policy: whose approvals which action needs.' },
  config: { schema: Config, description: 'countersign.yaml.' },
  mapping: { schema: MappingFile, description: 'A mapping file: how events of one source become canonical ones.' },
  'tool-catalogue': { schema: CatalogueFile, description: 'What the operator knows about tools.' },
};

export const JSON_DIR = new URL('./json/', import.meta.url);

/**
 * JSON Schema (draft 2020-12) of every published shape, by file name. Objects that are not strict stay open, so that a
 * reader who validates is not broken by a field that a later version adds.
 */
export function schemaFiles(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(PUBLISHED).map(([name, { schema, description }]) => {
      const { $schema, ...body } = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input' });
      const document = { $schema, $id: `urn:countersign:schema:${name}`, title: name, description, ...body };
      return [`${name}.json`, `${JSON.stringify(document, undefined, 2)}\n`];
    }),
  );
}

/** Makes the directory hold exactly these files. */
function write(): void {
  fs.rmSync(JSON_DIR, { recursive: true, force: true });
  fs.mkdirSync(JSON_DIR);
  for (const [name, text] of schemaFiles()) fs.writeFileSync(new URL(name, JSON_DIR), text);
}

if (import.meta.main) write();
