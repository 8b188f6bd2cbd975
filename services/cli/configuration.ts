import { configProblemText, type LoadedConfig, loadConfig } from '../platform/config.ts';
import { EXIT, Problem } from './problem.ts';

/** Options that every command takes. */
export type GlobalOptions = {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly logLevel?: string;
};

/** The configuration that the options, `overrides` of the command and the environment give. Throws a Problem that lists all that is wrong. */
export function readConfig(options: GlobalOptions, overrides: Readonly<Record<string, unknown>> = {}): LoadedConfig {
  return loadedOrProblem({
    cwd: process.cwd(),
    environment: process.env,
    ...(options.config === undefined ? {} : { file: options.config }),
    overrides: {
      ...overrides,
      ...(options.data === undefined ? {} : { data_dir: options.data }),
      ...(options.logLevel === undefined ? {} : { logging: { level: options.logLevel } }),
    },
  });
}

/** Throws a Problem that lists all that is wrong. */
export function loadedOrProblem(sources: Parameters<typeof loadConfig>[0]): LoadedConfig {
  const loaded = loadConfig(sources);
  if (loaded.ok) return loaded;
  throw new Problem('config_invalid', loaded.problems.map(configProblemText).join('\n'), EXIT.usage);
}
