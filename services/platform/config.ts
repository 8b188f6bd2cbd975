import fs from 'node:fs';
import path from 'node:path';
import { Config } from '../../schemas/config.ts';
import { advice, contradictions } from './config-contradictions.ts';
import { type ConfigProblem, excerpt, explainIssues } from './config-problems.ts';
import { readSecrets, type Secrets } from './config-secrets.ts';
import {
  type Environment,
  environmentLayer,
  type FieldPath,
  fileLayer,
  type Layer,
  mergeTrees,
  overridesLayer,
  type Tree,
  valueAt,
} from './config-sources.ts';
import { VARIABLE_NAMES } from './config-variables.ts';
import { nearest } from './nearest.ts';

export { type ConfigProblem, configProblemText } from './config-problems.ts';
export type { Secrets } from './config-secrets.ts';
export { isLoopback } from './loopback.ts';

/** Read only, all the way down. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
/** All of the configuration, frozen. Hand on a section (`config.listen`), not the whole. */
export type FrozenConfig = Frozen<Config>;

export type LoadedConfig = {
  readonly config: FrozenConfig;
  readonly secrets: Secrets;
  /** The file that was read, if any. */
  readonly file: string | undefined;
  /** What is permitted but deserves a line: variables that nothing reads, secrets that others may read. */
  readonly warnings: readonly string[];
};
export type ConfigResult =
  | ({ readonly ok: true } & LoadedConfig)
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export type ConfigSources = {
  readonly cwd: string;
  readonly environment: Environment;
  /** `--config`. Absent: COUNTERSIGN_CONFIG, else `countersign.yaml` in the data directory if it is there. */
  readonly file?: string;
  /** Values from the command line, as a partial configuration. */
  readonly overrides?: Tree;
};

const FILE_NAME = 'countersign.yaml';

/**
 * Reads the configuration: defaults, then the file, then COUNTERSIGN_* variables, then the command line. Relative paths
 * count from the file they stand in, others from the working directory; all come out absolute.
 */
export function loadConfig(sources: ConfigSources): ConfigResult {
  const { cwd, environment } = sources;
  const outer = [environmentLayer(environment, cwd), overridesLayer(sources.overrides ?? {}, cwd)];
  const { file, found_in } = chooseFile(sources, outer);
  const layers = [...outer];
  if (file !== undefined) {
    const read = fileLayer(file);
    if (!read.ok) {
      const { place, message } = read;
      return refuse([{ code: 'config_unreadable', field: '', value: undefined, place, message }]);
    }
    layers.unshift(read.layer);
  }
  const tree = layers.reduce<Tree>((under, layer) => mergeTrees(under, layer.tree), {});
  const placeOf = placesIn(layers);
  const parsed = Config.safeParse(tree);
  if (!parsed.success) return refuse(explainIssues(parsed.error.issues, tree, placeOf));

  const config: Config = { ...parsed.data, data_dir: path.resolve(cwd, parsed.data.data_dir) };
  const warnings = [...unreadVariables(environment), ...advice(config)];
  const secrets = readSecrets(config, environment, placeOf, warnings);
  const problems = [...contradictions(config, found_in, placeOf), ...secrets.problems];
  if (problems.length > 0) return refuse(problems);
  return { ok: true, config: deepFreeze(config), secrets: Object.freeze(secrets.secrets), file, warnings };
}

function refuse(problems: readonly ConfigProblem[]): ConfigResult {
  return { ok: false, problems };
}

/** A file that was named must be there; one in the data directory may be. */
function chooseFile(
  sources: ConfigSources,
  layers: readonly Layer[],
): { readonly file: string | undefined; readonly found_in: string | undefined } {
  const named = sources.file ?? sources.environment.COUNTERSIGN_CONFIG;
  if (named !== undefined && named !== '') return { file: path.resolve(sources.cwd, named), found_in: undefined };
  const given = layers.map((layer) => valueAt(layer.tree, ['data_dir'])).filter((value) => typeof value === 'string');
  const found_in = path.resolve(sources.cwd, given.at(-1) ?? Config.parse({}).data_dir);
  const file = path.join(found_in, FILE_NAME);
  return fs.existsSync(file) ? { file, found_in } : { file: undefined, found_in: undefined };
}

/** The place of the layer that counts for the value. */
function placesIn(layers: readonly Layer[]): (field: FieldPath) => string {
  return (field) => {
    for (let depth = field.length; depth > 0; depth--) {
      const shorter = field.slice(0, depth);
      const layer = layers.findLast(({ tree }) => valueAt(tree, shorter) !== undefined);
      if (layer !== undefined) return layer.placeOf(shorter);
    }
    return 'the configuration';
  };
}

/** Warned of and not refused: Kubernetes sets COUNTERSIGN_PORT and the like for a service of this name. */
function unreadVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('COUNTERSIGN_') && !VARIABLE_NAMES.includes(name))
    .map((name) => {
      const meant = nearest(name, VARIABLE_NAMES);
      const remedy = meant === undefined ? 'unset it, or see docs/configuration.md' : `did you mean ${meant}?`;
      return `variable ${excerpt(name)} is read by nothing; ${remedy}`;
    });
}

function deepFreeze<T>(value: T): Frozen<T> {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value as Frozen<T>;
}
