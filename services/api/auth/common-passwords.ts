/**
 * What passwords that everybody tries are made of: words of the lists of leaked ones and of what they are about. A password
 * is measured by what is left of it once these, runs, years and repeats are taken out, so each word stands for all that is
 * made of it. It is no list of leaked passwords.
 */
const WORDS: readonly string[] = (
  'password passwort passwd passcode motdepasse contrasena parola senha wachtwoord haslo salasana losenord ' +
  'welcome willkommen bienvenue letmein changeme default secret geheim private access login logon signin sign user username ' +
  'admin administrator root super superuser master manager system server service support office test testing tester guest ' +
  'temp temporary demo example sample company corporate business security secure internet computer network database oracle ' +
  'cisco google microsoft windows linux ubuntu apple iphone samsung android facebook linkedin amazon github gitlab docker ' +
  'agent agents audit approve approver analyst countersign containment ' +
  'iloveyou ilove love lover loveme forever always friends family mother father daddy mommy baby babygirl princess angel ' +
  'sunshine flower butterfly rainbow chocolate cookie cheese banana orange purple yellow silver golden diamond crystal ' +
  'dragon monkey tiger lion eagle falcon phoenix panther shadow hunter killer ninja pirate wizard magic mustang ferrari ' +
  'porsche mercedes harley yamaha corvette football soccer baseball basketball hockey tennis golf liverpool chelsea arsenal ' +
  'barcelona manchester juventus lakers yankees cowboys steelers superman batman spiderman starwars startrek pokemon ' +
  'pikachu minecraft fortnite naruto matrix trustno whatever nothing nobody freedom hello hallo bonjour goodbye ' +
  'january february march april june july august september october november december ' +
  'monday tuesday wednesday thursday friday saturday sunday spring summer autumn winter easter christmas ' +
  'michael jennifer jessica ashley daniel thomas robert william charlie george andrew joshua matthew anthony jordan ' +
  'london paris berlin america canada germany england france australia america blink zaq zxcvbn qwerty qwertz azerty asdf'
).split(' ');

/** Rows and columns of keyboards and counting, along which fingers run. */
const RUNS: readonly string[] = [
  'qwertyuiop[]',
  'qwertzuiop',
  'azertyuiop',
  'asdfghjkl;',
  'qsdfghjklm',
  'zxcvbnm,./',
  'yxcvbnm',
  'wxcvbn',
  '1234567890',
  '0123456789',
  'abcdefghijklmnopqrstuvwxyz',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  'a1b2c3d4e5f6g7h8i9',
  '!@#$%^&*()',
  '!"§$%&/()=',
].flatMap((row) => [row, [...row].reverse().join('')]);

const RUN_MIN = 3;
const LOOKALIKES: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '!': 'i',
  '3': 'e',
  '4': 'a',
  '@': 'a',
  '5': 's',
  $: 's',
  '7': 't',
};

/**
 * How many characters of a password are its own: what is left without common words, those given, runs, years and repeats,
 * in whatever case and with the usual digits in place of letters.
 */
export function charactersOfItsOwn(password: string, words: readonly string[]): number {
  const plain = password.normalize('NFKC').toLowerCase();
  const known = [...words.map((word) => word.toLowerCase()), ...WORDS].toSorted((a, b) => b.length - a.length);
  return Math.min(
    ...[plain, once(plain)].flatMap((said) => [
      lengthOf(withoutRuns(withoutWords(said, known))),
      // Digits that stand for letters are letters once those that only count are gone.
      lengthOf(withoutWords(spelled(withoutRuns(said)), known)),
    ]),
  );
}

/** Parts that a name is made of, such as those of `maria.gonzalez@example.com`; too short ones are in every text. */
export function wordsOf(name: string): string[] {
  return [name, ...name.split(/[^\p{L}]+/u)].filter((word) => word.length >= RUN_MIN);
}

function withoutWords(text: string, words: readonly string[]): string {
  return words.reduce((left, word) => left.replaceAll(word, '\0'), text);
}

function spelled(text: string): string {
  return [...text].map((char) => LOOKALIKES[char] ?? char).join('');
}

function lengthOf(text: string): number {
  return [...once(text).replaceAll(/[\0\s._-]/g, '')].length;
}

/** What is said three times or more, or all of it twice, is said once. */
function once(text: string): string {
  return text.replace(/^(.{3,}?)\1+$/s, '$1').replaceAll(/(.{1,8}?)\1{2,}/gs, '$1');
}

/** Nor years. */
function withoutRuns(given: string): string {
  const text = given.replaceAll(/(19|20)\d\d/g, '\0');
  let rest = '';
  for (let at = 0; at < text.length; ) {
    const length = Math.max(...RUNS.map((row) => runAt(text, at, row)));
    rest += length >= RUN_MIN ? '\0' : text.slice(at, at + 1);
    at += length >= RUN_MIN ? length : 1;
  }
  return rest;
}

/** Of how many characters the text follows the row from here on. */
function runAt(text: string, at: number, row: string): number {
  const begin = row.indexOf(text.charAt(at));
  if (begin < 0) return 0;
  let length = 1;
  while (begin + length < row.length && text[at + length] === row[begin + length]) length++;
  return length;
}
