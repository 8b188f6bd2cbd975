/** What the operator decides about all formats: `ingest` in the configuration, without what is of single sources. */
export type IngestSettings = Readonly<Record<never, never>>;

export const DEFAULT_SETTINGS: IngestSettings = {};
