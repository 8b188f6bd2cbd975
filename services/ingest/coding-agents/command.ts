import { isObject } from '../decode.ts';

/**
 * The programs that a shell command starts (POSIX.1-2024, XCU chapter 2, simplified). Only their names: the rest of the
 * command is content. What cannot be read ends the reading, so that no part of a here-document or an open quotation
 * passes for a name.
 */

/** So much of a command is looked at, and so many programs are told apart. */
const COMMAND_CHARS_MAX = 4_096;
const PROGRAMS_MAX = 8;
const NESTING_MAX = 2;

const TOKEN = /(?:[^\s;&|()<>'"\\]|\\[\s\S]|'[^']*'|"(?:[^"\\]|\\[\s\S])*")+|<<|&>>?|[<>]{1,2}&?|[;&|\n()]|['"\\]/g;
const NAME = /^(?=.*[A-Za-z])[A-Za-z0-9_.+-]{1,64}$/;
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/;

/** Words after which the next word is still that of a program. */
const BEFORE_A_PROGRAM: ReadonlySet<string> = new Set('if then else elif do while until ! { time'.split(' '));
/** Words that begin or end a construct and start nothing; the others change only the shell itself. */
const NO_PROGRAM: ReadonlySet<string> = new Set(
  'for case select function fi done esac in } [ [[ cd pushd popd export set unset alias true false :'.split(' '),
);
/** Programs that start the program named after them. */
const WRAPPERS: ReadonlySet<string> = new Set('sudo doas env nohup nice exec command xargs setsid'.split(' '));
const SHELLS: ReadonlySet<string> = new Set('sh bash zsh dash ksh'.split(' '));
const SCRIPT_OPTION = /^-[a-z]*c$/;

/** The distinct programs of a command: a line, the list of its words, or an object whose `command` is one of both. */
export function programsOf(command: unknown): readonly string[] {
  const found = new Set<string>();
  if (typeof command === 'string') readLine(command, found, 0);
  else if (Array.isArray(command)) readWords(command, found);
  else if (isObject(command) && !isObject(command.command)) return programsOf(command.command);
  return [...found].slice(0, PROGRAMS_MAX);
}

/** `["bash", "-lc", "git status"]` as its words stand in the list, none of them split further. */
function readWords(words: readonly unknown[], found: Set<string>): void {
  const [first, option, script] = words;
  if (typeof first !== 'string') return;
  const program = baseName(first);
  if (SHELLS.has(program) && typeof option === 'string' && SCRIPT_OPTION.test(option) && typeof script === 'string') {
    readLine(script, found, 0);
  } else if (NAME.test(program)) found.add(program);
}

/** What the next word is. */
type Expecting = 'program' | 'argument' | 'file' | 'wrapped' | 'shell_option' | 'script' | 'line_end';

function readLine(line: string, found: Set<string>, nesting: number): void {
  let expecting: Expecting = 'program';
  for (const [token] of line.slice(0, COMMAND_CHARS_MAX).matchAll(TOKEN)) {
    if (found.size >= PROGRAMS_MAX || token === '<<' || UNREADABLE.has(token)) return;
    if (expecting === 'line_end' && token !== '\n') continue;
    if (SEPARATORS.has(token)) expecting = 'program';
    else if (REDIRECTION.test(token)) expecting = 'file';
    else expecting = afterWord(token, expecting, found, nesting);
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(["'", '"', '\\']);
const REDIRECTION = /^(?:&>|[<>])/;
const SEPARATORS: ReadonlySet<string> = new Set([';', '&', '|', '\n', '(', ')']);

function afterWord(word: string, expecting: Expecting, found: Set<string>, nesting: number): Expecting {
  if (word.startsWith('#')) return 'line_end';
  if (expecting === 'file' || expecting === 'argument') return 'argument';
  if (expecting === 'shell_option') return SCRIPT_OPTION.test(word) ? 'script' : 'argument';
  if (expecting === 'script' && /^['"]/.test(word)) {
    if (nesting < NESTING_MAX) readLine(word.slice(1, -1), found, nesting + 1);
    return 'argument';
  }
  if (expecting === 'wrapped' && word.startsWith('-')) return 'argument';
  if (ASSIGNMENT.test(word) || BEFORE_A_PROGRAM.has(word)) return expecting === 'script' ? 'program' : expecting;
  if (NO_PROGRAM.has(word)) return 'argument';
  return afterProgram(baseName(word), found);
}

function afterProgram(program: string, found: Set<string>): Expecting {
  if (NAME.test(program)) found.add(program);
  if (SHELLS.has(program)) return 'shell_option';
  return WRAPPERS.has(program) ? 'wrapped' : 'argument';
}

function baseName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}
