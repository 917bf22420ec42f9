import { describe, expect, it } from 'vitest';
import type { Direction, HistoryEntry, Outcome } from './apiTypes.ts';
import { byDay, isMissed, messageText, outcomeText, PastCalls } from './pastCalls.svelte.ts';
import { household, NOW, signedIn } from './testing/household.ts';

async function adas() {
  const { browser, server } = household();
  const account = await signedIn(browser(), 'ada');
  return { account, server, past: new PastCalls(account) };
}

it('marks what was missed until it has been looked at', async () => {
  const { account, past } = await adas();
  await account.countUnseen();
  expect(account.unseen).toBe(2);
  await past.load();
  expect(past.entries?.slice(0, 3).map(({ seen }) => seen)).toEqual([false, false, true]);
  expect(account.unseen).toBe(0);
  const again = new PastCalls(account);
  await again.load();
  expect(again.entries?.every(({ seen }) => seen)).toBe(true);
});

it('does not call anything seen that could not be shown', async () => {
  const { account, past, server } = await adas();
  server.trouble = (_, path) => (path === '/history' ? new Response('', { status: 503 }) : null);
  await past.load();
  expect(past.entries).toBeNull();
  expect(past.loading.error).not.toBeNull();
  server.trouble = () => null;
  await account.countUnseen();
  expect(account.unseen).toBe(2);
});

it('goes back page by page, without gaps or repeats', async () => {
  const { past, server } = await adas();
  await past.load();
  const before = server.world.users[0]!.history.map(({ id }) => id);
  while (past.more) await past.older();
  expect(past.entries?.map(({ id }) => id)).toEqual(before);
});

it('deletes what is deleted there, and keeps what is not', async () => {
  const { past, server } = await adas();
  await past.load();
  const id = past.entries![0]!.id;
  expect(await past.remove(id)).toBe(true);
  expect(past.entries!.some((entry) => entry.id === id)).toBe(false);
  server.trouble = () => new Response('{"code":"unavailable","message":""}', { status: 503 });
  const kept = past.entries!.length;
  expect(await past.remove(past.entries![0]!.id)).toBe(false);
  expect(past.entries!.length).toBe(kept);
});

it('adds people to the contacts', async () => {
  const { account, past } = await adas();
  expect(await past.addContact('u3')).toBe(true);
  const contacts = await account.api.contacts.list();
  expect(contacts.ok && contacts.value.map(({ user }) => user)).toContain('u3');
});

const entry = (at_ms: number, direction: Direction, outcome: Outcome): HistoryEntry => ({
  id: String(at_ms),
  call: 'c',
  at_ms,
  direction,
  outcome,
  media: { audio: true, video: false },
  seen: true,
});

it('groups by day', () => {
  const hours = (ago: number) => entry(NOW - ago * 3_600_000, 'incoming', 'answered');
  const days = byDay([hours(1), hours(15), hours(16), hours(47)], NOW);
  expect(days.map(({ name, entries }) => [name, entries.length])).toEqual([
    ['Today', 2],
    ['Yesterday', 1],
    ['Friday', 1],
  ]);
  expect(byDay([], NOW)).toEqual([]);
});

describe('every way a call can have gone', () => {
  const outcomes: Outcome[] = ['answered', 'missed', 'declined', 'busy', 'no_answer', 'cancelled'];

  it('has words', () => {
    for (const direction of ['outgoing', 'incoming', 'link'] as const) {
      for (const outcome of outcomes) expect(outcomeText(entry(0, direction, outcome))).not.toBe('');
    }
  });

  it('says why it did not even ring', () => {
    const missed = entry(0, 'incoming', 'missed');
    const texts = ([undefined, 'busy', 'do_not_disturb'] as const).map((unreachable) => outcomeText({ ...missed, ...(unreachable && { unreachable }) }));
    expect(new Set(texts).size).toBe(3);
    expect(texts[2]).toMatch(/do not disturb/);
  });

  it('is missed only if somebody called, and was neither answered nor declined', () => {
    expect(outcomes.filter((outcome) => isMissed(entry(0, 'incoming', outcome)))).toEqual(['missed', 'busy', 'no_answer', 'cancelled']);
    expect(outcomes.filter((outcome) => isMissed(entry(0, 'outgoing', outcome)))).toEqual([]);
    expect(outcomes.filter((outcome) => isMissed(entry(0, 'link', outcome)))).toEqual([]);
  });
});

it('reads messages, whoever made them', () => {
  expect(messageText('{"text":"Call me"}')).toBe('Call me');
  for (const odd of ['Call me', '{"text":1}', '{', '"quoted"', '[]', '<img onerror=x>']) expect(messageText(odd)).toBe(odd);
  expect(messageText('null')).toBe('null');
});
