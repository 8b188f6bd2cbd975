import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { isPassword, makeVerifier, passwordObjection } from '../../services/api/auth/passwords.ts';

const refused = (password: string, name = 'maria'): boolean => passwordObjection(password, name) !== undefined;

describe('passwords', () => {
  test('that everybody tries are refused, in whatever case and spelling', () => {
    for (const password of [
      'password1234',
      'Password2026!',
      'passwordpassword',
      'P@ssw0rd1234',
      'p4$$w0rd-p4$$w0rd',
      'Welcome12345',
      'letmein123456',
      'Summer2026!!!',
      'iloveyou1234',
      'administrator',
      'changeme12345',
      'qwertyuiop123',
      'qwertyuiop[]',
      '1q2w3e4r5t6y',
      '1qaz2wsx3edc',
      '123456789012',
      '0987654321098',
      'abcdefghijkl',
      'asdfghjkl123',
      'footballfootball',
      'monkey123dragon',
      'StarWars1977!',
      'abcabcabcabc',
      'hello.hello.hello',
      'December2025',
    ]) {
      assert.ok(refused(password), password);
    }
  });

  test('that are made of a common word with what people add are refused: more than 3,000 of them', () => {
    const words = 'password welcome letmein qwerty dragon monkey football sunshine princess admin summer winter'.split(
      ' ',
    );
    const ends = ['123456', '1234567', '12345678', '2024!!', '2025', '2026!', '!!!!!!', '111111', '123abc', 'qwe123'];
    const cases = [
      (word: string) => word,
      (word: string) => word.toUpperCase(),
      (word: string) => word.charAt(0).toUpperCase() + word.slice(1),
      (word: string) => word.replaceAll('a', '@').replaceAll('o', '0').replaceAll('e', '3'),
    ];
    const seconds = ['', 'love', 'master', '-', '.', '123', 'test', '_', 'baby', 'tiger'];
    const made = words.flatMap((word) =>
      cases.flatMap((change) => seconds.flatMap((second) => ends.map((end) => `${change(word)}${second}${end}`))),
    );
    const fitting = new Set(made.filter((one) => one.length >= 12 && new Set(one).size >= 5));
    for (const one of fitting) assert.ok(refused(one), one);
    assert.ok(fitting.size > 3_000, `${fitting.size} of ${made.length}`);
  });

  test('that are made of the name of the person or of the product are refused', () => {
    assert.ok(refused('countersign-2026'));
    assert.ok(refused('Maria-Maria-12'));
    assert.ok(refused('GonzalezMaria1', 'maria.gonzalez@example.com'));
    assert.ok(!refused('Gonzalez-fjord-wharf'), 'of whom it is not the name');
  });

  test('of any characters will do, long ones too', () => {
    for (const password of [
      'correct horse battery staple',
      'kVx9-wq2Lm_7fTz',
      'пять лошадей в поле',
      '山川草木花鳥風月雪空海星',
      'fjord wharf quilt',
      `${'x'.repeat(20)}abjkwqzmvltp`,
      'njfklwe uiobvm '.repeat(8),
    ]) {
      assert.ok(!refused(password), password);
    }
    assert.ok(refused('too short'));
    assert.ok(refused('a'.repeat(257)));
    assert.ok(refused('ababababababab'));
  });

  test('are checked as they were given, to the last character', async () => {
    const password = `${'njfklwe uiobvm '.repeat(8)}Z`;
    const verifier = await makeVerifier(password, randomBytes);
    assert.ok(await isPassword(password, verifier));
    assert.ok(!(await isPassword(password.slice(0, -1), verifier)));
    assert.ok(!(await isPassword(password.toLowerCase(), verifier)));
    assert.ok(!(await isPassword(password, undefined)));
  });
});
