import { expect, it } from 'vitest';
import { safeName } from './name.ts';
import { MAX_NAME_CHARS } from './wire.ts';

it.each([
  ['Urlaub am Meer.jpg', 'Urlaub am Meer.jpg'],
  ['صورة.png', 'صورة.png'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\Windows\\system32\\evil.dll', 'evil.dll'],
  ['..', 'file'],
  ['', 'file'],
  ['a/', 'file'],
  ['.bashrc', 'bashrc'],
  ['report.pdf. . ', 'report.pdf'],
  ['two\r\nlines\u0000.txt', 'twolines.txt'],
  // Written from right to left, this looks like a picture: "harmless" + "gpj.exe".
  ['harmless\u202egpj.exe', 'harmlessgpj.exe'],
  ['\u2067\u2066hidden\u2069.exe', 'hidden.exe'],
  ['zero\u200bwidth\ufeff.txt', 'zerowidth.txt'],
  ['half \ud83d of a picture', 'half of a picture'],
  ['<img src=x onerror=alert(1)>', '_img src=x onerror=alert(1)_'],
  ['CON', '_CON'],
  ['aux.txt', '_aux.txt'],
  ['console.txt', 'console.txt'],
])('%j is kept as %j', (given, kept) => {
  expect(safeName(given)).toBe(kept);
});

it('cuts what is too long, and keeps the ending', () => {
  const long = safeName(`${'long '.repeat(60)}.tar`);
  expect(long.length).toBeLessThanOrEqual(MAX_NAME_CHARS);
  expect(long).toMatch(/long\.tar$/);
  expect(safeName('😀'.repeat(100))).toMatch(/^(😀)+$/u);
  expect(safeName(`x.${'y'.repeat(300)}`).length).toBeLessThanOrEqual(MAX_NAME_CHARS);
});

it('is the same once more', () => {
  for (const name of ['..\\..\\a\u202eb', 'CON.', ' .x ', `${'a'.repeat(200)}.pdf`]) expect(safeName(safeName(name))).toBe(safeName(name));
});
