import { CatalogueFile } from '../../schemas/catalogue.ts';
import { MappingFile } from '../../schemas/mapping.ts';
import { type Catalogue, compileCatalogue } from './catalogue.ts';
import { type CheckProblem, type FileResult, readConfigFile } from './config-file.ts';
import { compileMapping, type Mapping } from './mapping.ts';
import { checkMapping } from './mapping-check.ts';
import { parsePath } from './paths.ts';

/** Reads and compiles a mapping file. `file` names it in problems. */
export function loadMapping(text: string, file: string): FileResult<Mapping> {
  const read = readConfigFile(text, file, MappingFile, checkMapping);
  return read.ok ? { ok: true, value: compileMapping(read.value) } : read;
}

/** Reads and compiles a tool catalogue. `file` names it in problems. */
export function loadCatalogue(text: string, file: string): FileResult<Catalogue> {
  const read = readConfigFile(text, file, CatalogueFile, checkCatalogue);
  return read.ok ? { ok: true, value: compileCatalogue(read.value) } : read;
}

/** Paths must be paths, and an entry that an earlier one hides is a mistake. */
function checkCatalogue(file: CatalogueFile): CheckProblem[] {
  const seen = new Set<string>();
  return file.tools.flatMap((entry, index) => {
    const problems: CheckProblem[] = [];
    if (seen.has(entry.tool)) {
      problems.push({
        path: ['tools', index, 'tool'],
        about: 'value',
        message: 'stands in the catalogue already; only the first entry counts',
      });
    }
    seen.add(entry.tool);
    for (const [number, resource] of (entry.resources ?? []).entries()) {
      const parsed = parsePath(resource.argument);
      const path = ['tools', index, 'resources', number, 'argument'];
      if (typeof parsed === 'string') problems.push({ path, about: 'value', message: parsed });
    }
    return problems;
  });
}
