import { beforeEach, expect, it, vi } from 'vitest';
import { forgetToken, takeToken } from './oneTimeToken.ts';

function storage() {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}
const steps = () => ({ replaceState: vi.fn() });
const page = (hash: string) => ({ pathname: '/welcome', hash });

beforeEach(() => forgetToken(storage()));

it('takes the token out of the address', () => {
  const history = steps();
  expect(takeToken(page('#secret'), history, storage())).toBe('secret');
  expect(history.replaceState).toHaveBeenCalledWith(null, '', '/welcome');
});

it('has it still after a reload, until it has done its work', () => {
  const tab = storage();
  takeToken(page('#secret'), steps(), tab);
  const history = steps();
  expect(takeToken(page(''), history, tab)).toBe('secret');
  expect(history.replaceState).not.toHaveBeenCalled();
  forgetToken(tab);
  expect(takeToken(page(''), steps(), tab)).toBe('');
  expect(tab.kept.size).toBe(0);
});

it('lasts as long as the page where nothing can be kept', () => {
  const nothing = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  takeToken(page('#secret'), steps(), nothing);
  expect(takeToken(page(''), steps(), nothing)).toBe('secret');
});

it('takes a newer link for the older one, and no novel for a token', () => {
  const tab = storage();
  takeToken(page('#older'), steps(), tab);
  expect(takeToken(page('#newer'), steps(), tab)).toBe('newer');
  expect(takeToken(page(`#${'x'.repeat(10_000)}`), steps(), tab)).toBe('');
});
