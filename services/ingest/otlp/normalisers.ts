import type { Normaliser } from '../normaliser.ts';
import type { IngestSettings } from '../settings.ts';
import { normaliseBundle } from './bundle.ts';
import { itemsOfJson, mismatchOfJson } from './json-envelope.ts';
import { itemsOfProto } from './proto-envelope.ts';
import { fitsProto, mayBeProto } from './proto-fits.ts';

/** OTLP requests of traces and logs, in OTLP/JSON. */
export function otlpJsonNormaliser(settings: IngestSettings): Normaliser {
  return {
    name: 'otlp_json',
    format: 'otlp',
    bundle: true,
    mismatch: mismatchOfJson,
    normalise: (document, bytes) => {
      // The empty request, as ProtoJSON may write it. Only whoever is said to send OTLP means that by it.
      if (Object.keys(document).length === 0) return [{ kind: 'absorbed' }];
      const problem = mismatchOfJson(document);
      return problem === undefined ? normaliseBundle(itemsOfJson(document, bytes), settings) : [noRequest(problem)];
    },
    // Only to say so: as text it would be called damaged.
    binary: { fits: fitsProto, normalise: () => [noRequest(`is protobuf, not JSON; ${BOTH}`)] },
  };
}

/** The same in protobuf. */
export function otlpProtoNormaliser(settings: IngestSettings): Normaliser {
  return {
    name: 'otlp_proto',
    format: 'otlp',
    bundle: true,
    mismatch: () => 'is JSON, not protobuf',
    normalise: () => [noRequest(`is JSON, not protobuf; ${BOTH}`)],
    binary: { fits: mayBeProto, normalise: (bytes) => normaliseBundle(itemsOfProto(bytes), settings) },
  };
}

const BOTH = 'set the format to otlp, which takes both, or over HTTP the content-type to what it is';

/** Both. What is protobuf shows in the first bytes. */
export function otlpNormaliser(settings: IngestSettings): Normaliser {
  return {
    ...otlpJsonNormaliser(settings),
    name: 'otlp',
    binary: { fits: fitsProto, normalise: (bytes) => normaliseBundle(itemsOfProto(bytes), settings) },
  };
}

function noRequest(problem: string) {
  return {
    kind: 'refused',
    reason: 'format_unknown',
    message: `the item is no OTLP request: it ${problem}`,
  } as const;
}
