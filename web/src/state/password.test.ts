import { expect, it } from 'vitest';
import { strengthOf } from './password.ts';

it('hints at how good a password is', () => {
  const judged = (list: string[]) => list.map((password) => strengthOf(password, ['ada', 'Ada Lovelace']));
  expect(judged(['', 'short', '1234567'])).toEqual(['short', 'short', 'short']);
  expect(judged(['password', 'aaaaaaaaaaaaaaaa', '12345678', 'abcdefgh', 'abababababab'])).toEqual(Array(5).fill('weak'));
  expect(judged(['correct horse battery', 'T7#kq9!vLm2x', 'vier wilde Wale winken'])).toEqual(['good', 'good', 'good']);
});

it('counts nothing that everybody knows', () => {
  expect(strengthOf('ada lovelace 1', ['ada', 'Ada Lovelace'])).toBe('weak');
  expect(strengthOf('ADA LOVELACE!!', ['ada', 'Ada Lovelace'])).toBe('weak');
});

it('counts characters as people do', () => {
  expect(strengthOf('🐳🐳🐳🐳🐳🐳🐳')).toBe('short');
});
