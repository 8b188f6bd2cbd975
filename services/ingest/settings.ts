import { ContentConfig, IdentityConfig, OtlpConfig } from '../../schemas/ingest-settings.ts';
import type { FrozenConfig } from '../platform/config.ts';
import { type ContentPolicy, contentPolicy } from './content.ts';
import { compileSelectors, type IdentitySelectors } from './genai/selectors.ts';

/** What the operator decides about all formats, made ready: `ingest` in the configuration, without what is of single sources. */
export type IngestSettings = {
  readonly identity: IdentitySelectors;
  /** How long an event waits for its identity, in log time. */
  readonly bound_ms: number;
  readonly content: ContentPolicy;
  readonly otlp: Readonly<OtlpConfig>;
};

type SettingsConfig = Pick<FrozenConfig['ingest'], 'identity' | 'content' | 'otlp'>;

/** `hash_key`: the secret behind the keyed hashes of content; without it there are none. */
export function createSettings(config: SettingsConfig, hash_key: string | undefined): IngestSettings {
  return {
    identity: compileSelectors(config.identity),
    bound_ms: config.identity.bound_ms,
    content: contentPolicy(config.content, hash_key),
    otlp: config.otlp,
  };
}

export const DEFAULT_SETTINGS: IngestSettings = createSettings(
  { identity: IdentityConfig.parse({}), content: ContentConfig.parse({}), otlp: OtlpConfig.parse({}) },
  undefined,
);
