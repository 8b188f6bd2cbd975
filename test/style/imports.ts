import path from 'node:path/posix';
import { lineAt, type SourceFile, type Violation } from './source.ts';

/** What the files of a folder may import of ours; the longest prefix that fits a file counts. */
const SERVICES_SHARED = ['schemas/', 'services/platform/'];
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'schemas/': ['schemas/'],
  'detectors/': ['detectors/', 'schemas/'],
  'services/platform/': SERVICES_SHARED,
  'services/control/': [...SERVICES_SHARED, 'services/control/'],
  'services/ingest/': [...SERVICES_SHARED, 'services/ingest/'],
  'services/detect/': [...SERVICES_SHARED, 'detectors/', 'services/detect/'],
  'services/deliver/': [...SERVICES_SHARED, 'services/control/', 'services/deliver/'],
  'services/contain/': [...SERVICES_SHARED, 'services/control/', 'services/contain/'],
  'services/api/': [...SERVICES_SHARED, 'detectors/', 'services/control/', 'services/api/'],
  'services/simulate/': [...SERVICES_SHARED, 'services/simulate/'],
  'services/cli/': ['schemas/', 'detectors/', 'services/', 'package.json'],
  'test/': ['schemas/', 'detectors/', 'services/', 'test/', 'deploy/'],
  'deploy/': ['schemas/', 'detectors/', 'services/', 'deploy/'],
};

const SPECIFIER =
  /(?:^|\n)\s*(?:import|export)\b[^;'"]*?['"](\.{1,2}\/[^'"]+)['"]|\bimport\(\s*['"](\.{1,2}\/[^'"]+)['"]/g;

/** Imports that cross a border which the design draws (section 10). */
export function importViolations(file: SourceFile): Violation[] {
  const folder = Object.keys(ALLOWED)
    .filter((prefix) => file.name.startsWith(prefix))
    .reduce((a, b) => (b.length > a.length ? b : a), '');
  const allowed = ALLOWED[folder];
  if (allowed === undefined) {
    return [{ name: file.name, line: 1, what: 'lies in a folder that the import rules do not know: add it to them' }];
  }
  return [...file.text.matchAll(SPECIFIER)].flatMap((match) => {
    const specifier = match[1] ?? match[2] ?? '';
    const target = path.join(path.dirname(file.name), specifier);
    if (allowed.some((prefix) => target.startsWith(prefix))) return [];
    const line = lineAt(file.text, match.index + match[0].length);
    return [{ name: file.name, line, what: `${folder} must not import ${target}` }];
  });
}
