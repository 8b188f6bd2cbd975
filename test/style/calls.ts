import { lineAt, type SourceFile, separate, type Violation } from './source.ts';

type Ban = { readonly pattern: RegExp; readonly what: string; readonly except: readonly string[] };

/** Calls that only the named places may make, in code. */
const CALLS: readonly Ban[] = [
  {
    pattern:
      /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )(?<![\w.])Date\(|\bperformance\.(now|timeOrigin)\b|\bprocess\.hrtime\b/g,
    what: 'reads the clock of the machine: take a Clock (services/platform/clock.ts)',
    except: ['services/platform/clock.ts'],
  },
  {
    pattern: /\bMath\.random\b/g,
    what: 'draws random numbers that no seed repeats: take them from outside',
    except: [],
  },
  { pattern: /(?<![\w.])console\./g, what: 'prints past telemetry', except: ['services/cli/', 'test/'] },
  { pattern: /\bprocess\.(exit|abort)\(/g, what: 'ends the process of others', except: ['services/cli/', 'test/'] },
];

/** What comments must not hold. */
const REMARKS: readonly Ban[] = [
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/g, what: 'is unfinished: finish it, or file an issue', except: [] },
  { pattern: /@ts-(ignore|expect-error|nocheck)/g, what: 'silences the compiler', except: [] },
];

export function callViolations(file: SourceFile): Violation[] {
  const { code, comments } = separate(file.text);
  const scan = (bans: readonly Ban[], text: string): Violation[] =>
    bans
      .filter(({ except }) => !except.some((prefix) => file.name.startsWith(prefix)))
      .flatMap(({ pattern, what }) =>
        [...text.matchAll(pattern)].map((match) => {
          return { name: file.name, line: lineAt(text, match.index), what: `${match[0]} ${what}` };
        }),
      );
  return [...scan(CALLS, code), ...scan(REMARKS, comments)];
}
