import { readFileSync } from 'node:fs';
import { EXIT, Problem } from './problem.ts';

export type PasswordOptions = { readonly passwordFile?: string };

/** The file that holds the password: by option, else by variable. */
function fileOf({ passwordFile }: PasswordOptions): string | undefined {
  const file = passwordFile ?? process.env.COUNTERSIGN_PASSWORD_FILE;
  return file === '' ? undefined : file;
}

/** The password, from its file or typed unseen; undefined when there is no file and nobody to ask. */
export async function readPassword(options: PasswordOptions, question: string): Promise<string | undefined> {
  const file = fileOf(options);
  if (file !== undefined) return passwordIn(file);
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return undefined;
  return askUnseen(question);
}

function passwordIn(file: string): string {
  try {
    const password = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (password !== '') return password;
  } catch (error) {
    throw new Problem('password_unreadable', `cannot read ${file}: ${(error as Error).message}`, EXIT.usage);
  }
  throw new Problem('password_unreadable', `${file} is empty: write the password into it`, EXIT.usage);
}

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const ERASE: ReadonlySet<string> = new Set(['\u0008', '\u007f']);
const ENTER: ReadonlySet<string> = new Set(['\r', '\n']);

/** What is typed up to Enter, with nothing of it on the screen. Undefined on Ctrl-C and Ctrl-D. */
export function askUnseen(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  // Before the question: whoever answers it at once would otherwise be answered with an echo.
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.setEncoding('utf8');
  stdin.resume();
  let typed: string[] = [];
  return new Promise((resolve) => {
    const end = (password: string | undefined): void => {
      stdin.off('data', take);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(password);
    };
    const take = (chunk: string): void => {
      for (const character of chunk) {
        if (ENTER.has(character) || character === CTRL_C || character === CTRL_D) {
          end(ENTER.has(character) ? typed.join('') : undefined);
          return;
        }
        if (ERASE.has(character)) typed = typed.slice(0, -1);
        else typed.push(character);
      }
    };
    stdin.on('data', take);
  });
}
