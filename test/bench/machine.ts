import { cpus, loadavg, tmpdir, totalmem } from 'node:os';

/** On what the figures were taken. `load` is that of the last minute: above 1 somebody else was busy too. */
export type Machine = {
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly load: number;
  readonly directory: string;
};

export function thisMachine(): Machine {
  const all = cpus();
  return {
    node: process.version,
    v8: process.versions.v8,
    platform: `${process.platform} ${process.arch}`,
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    directory: tmpdir(),
  };
}
