import { emptyCatalogue } from '../../../services/ingest/catalogue.ts';
import { decideItem } from '../../../services/ingest/core.ts';
import { type Format, normalisersOf } from '../../../services/ingest/formats.ts';
import { parseTraces } from '../../support/otlp-proto.ts';
import { type Measured, measureInTurn, type Work } from '../measure.ts';
import type { Size } from '../modes.ts';
import { cloudtrailInput, mcpInput, ocsfInput, otlpInput, type SourceInput } from '../source-input.ts';
import { FORMAT_STAGES, type FormatStage } from './format-names.ts';

export type FormatFigures = Readonly<Record<FormatStage | `${FormatStage}_parse`, Measured>>;

/** Events of each format: their documents are larger than the fleet's own, and all of them are held at once. */
const SHARE = 4;

/** Bytes of a document to its accepted, keyed events with their JSON, beside the plain parse of the same bytes. */
export function measureFormats(size: Size): Promise<FormatFigures> {
  const part = { ...size, events: Math.ceil(size.events / SHARE) };
  const inputs: Readonly<Record<FormatStage, SourceInput>> = {
    otlp_json: otlpInput(part, 'json'),
    otlp_proto: otlpInput(part, 'proto'),
    cloudtrail: cloudtrailInput(part),
    ocsf: ocsfInput(part),
    mcp: mcpInput(part),
  };
  const works = FORMAT_STAGES.flatMap((format): [string, Work][] => [
    [format, decideAll(inputs[format], format)],
    [`${format}_parse`, parseAll(inputs[format], format)],
  ]);
  return measureInTurn(Object.fromEntries(works) as Record<keyof FormatFigures, Work>, size.rounds);
}

function decideAll({ items, events, bytes }: SourceInput, format: Format): Work {
  const context = {
    formats: normalisersOf(format, []),
    catalogue: emptyCatalogue(),
    origin: 'bench',
    tenant: 'default',
    now_ms: 0,
  };
  return {
    events,
    bytes,
    run: () => {
      let accepted = 0;
      for (const item of items) {
        for (const decided of decideItem(item, context)) if (decided.kind === 'accepted') accepted++;
      }
      if (accepted !== events)
        throw new Error(`${events - accepted} events of the fleet as ${format} were not accepted`);
    },
  };
}

function parseAll({ items, events, bytes }: SourceInput, format: Format): Work {
  const parse = format === 'otlp_proto' ? parseTraces : (document: Buffer) => JSON.parse(document.toString('utf8'));
  return {
    events,
    bytes,
    run: () => {
      for (const item of items) if (parse(item.bytes) === null) throw new Error(`a document of ${format} is null`);
    },
  };
}
