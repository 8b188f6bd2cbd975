import { decideItem } from '../../../services/ingest/core.ts';
import { canonicalInput, contextFor, type Input, mappedInput } from '../input.ts';
import { type Measured, measureInTurn, type Work } from '../measure.ts';
import type { Size } from '../modes.ts';

export type DecodeFigures = Readonly<Record<'canonical' | 'canonical_parse' | 'mapped' | 'mapped_parse', Measured>>;

/** Bytes of an item to an accepted, keyed event with its JSON, beside JSON.parse of the same bytes. */
export function measureDecode(size: Size): Promise<DecodeFigures> {
  const canonical = canonicalInput(size);
  const mapped = mappedInput(size);
  return measureInTurn(
    {
      canonical: decideAll(canonical, 'canonical'),
      canonical_parse: parseAll(canonical),
      mapped: decideAll(mapped, 'mapped'),
      mapped_parse: parseAll(mapped),
    },
    size.rounds,
  );
}

function decideAll({ items, bytes }: Input, format: 'canonical' | 'mapped'): Work {
  const context = contextFor(format);
  return {
    events: items.length,
    bytes,
    run: () => {
      let accepted = 0;
      for (const item of items) if (decideItem(item, context)[0]?.kind === 'accepted') accepted++;
      if (accepted !== items.length) throw new Error(`${items.length - accepted} items of the fleet were not accepted`);
    },
  };
}

function parseAll({ items, bytes }: Input): Work {
  return {
    events: items.length,
    bytes,
    run: () => {
      for (const item of items) {
        if (JSON.parse(item.bytes.toString('utf8')) === null) throw new Error('an item of the fleet is null');
      }
    },
  };
}
