import { expect, it, vi } from 'vitest';
import { Action, Listing } from './action.svelte.ts';
import { failed, type Result } from './api.ts';

it('is done once, however often it is pressed', async () => {
  const action = new Action();
  let answer: (result: Result<number>) => void = () => undefined;
  const work = vi.fn(() => new Promise<Result<number>>((resolve) => (answer = resolve)));
  const done = vi.fn();
  const first = action.run(work, done);
  expect(action.busy).toBe(true);
  expect(await action.run(work, done)).toBe(false);
  answer({ ok: true, value: 7 });
  expect(await first).toBe(true);
  expect(work).toHaveBeenCalledOnce();
  expect(done.mock.calls).toEqual([[7]]);
  expect(action.busy).toBe(false);
});

it('says what went wrong until it goes right', async () => {
  const action = new Action();
  await action.run(async () => failed('offline'));
  expect(action.error?.code).toBe('offline');
  await action.run(async () => ({ ok: true, value: undefined }));
  expect(action.error).toBeNull();
});

it('can be tried again after something broke in between', async () => {
  const action = new Action();
  await expect(action.run(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
  expect(action.busy).toBe(false);
});

it('asks to wait no longer than one has to', async () => {
  vi.useFakeTimers();
  const action = new Action();
  await action.run(async () => ({ ok: false, error: { status: 429, code: 'limit', message: '', retryAfterMs: 30_000 } }));
  vi.advanceTimersByTime(29_000);
  expect(action.error).not.toBeNull();
  vi.advanceTimersByTime(2_000);
  expect(action.error).toBeNull();
  vi.useRealTimers();
});

it('keeps a list that cannot be had anew', async () => {
  const answers: Result<number[]>[] = [{ ok: true, value: [1, 2] }, failed('offline')];
  const listing = new Listing(async () => answers.shift()!);
  await vi.waitFor(() => expect(listing.items).toEqual([1, 2]));
  await listing.load();
  expect(listing.items).toEqual([1, 2]);
  expect(listing.loading.error?.code).toBe('offline');
});
