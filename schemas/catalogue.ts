import { z } from 'zod';
import { Classification, Operation } from './event.ts';

/**
 * The tool catalogue: what the operator knows about tools and their events do not say. Documented in docs/mapping.md.
 *
 * `tool` is a name or a pattern with `*`; with a `/` in it, it is held against `server/name`. The first entry that fits
 * a tool counts.
 */
const name = () => z.string().min(1).max(256);

export const CatalogueResource = z.strictObject({
  /** The argument that names the resource, as a path: `path`, `target.id`, `recipients[*]`. */
  argument: name(),
  store: name().optional(),
  kind: name().optional(),
  classification: Classification.optional(),
});

export const CatalogueEntry = z.strictObject({
  tool: name(),
  /** What the tool does. Stands above what the event itself says: a tool must not choose its own label. */
  operation: Operation.optional(),
  /** Where the tool lives, for events that do not say. */
  server: name().optional(),
  /** Sensitivity of what the tool touches, for resources that state none. */
  classification: Classification.optional(),
  /** Which arguments name the resources, for events that come with arguments and without resources. */
  resources: z.array(CatalogueResource).max(16).optional(),
});
export type CatalogueEntry = z.infer<typeof CatalogueEntry>;

export const CatalogueFile = z.strictObject({
  version: z.literal(1),
  tools: z.array(CatalogueEntry).max(10_000),
});
export type CatalogueFile = z.infer<typeof CatalogueFile>;
