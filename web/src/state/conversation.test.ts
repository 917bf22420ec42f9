import { expect, it } from 'vitest';
import type { ChatLine, FileLine } from '../rtc/index.ts';
import { converse, theirs } from './conversation.ts';

const line = (id: string, more: Partial<ChatLine> = {}): ChatLine => ({ id, mine: false, name: 'Ben', atMs: 9, text: id, pending: false, failed: false, ...more });
const file = (id: string, more: Partial<FileLine> = {}): FileLine => ({ id, mine: true, name: id, size: 1, atMs: 1, state: 'offered', moved: 0, ...more });
const seen = (chat: ChatLine[], files: FileLine[]) => ({ chat, aside: { state: 'ready' as const, files, reactions: [] } });

it('keeps the order in which things came, whatever their clocks say', () => {
  let turns = converse([], seen([line('a')], []));
  turns = converse(turns, seen([line('a')], [file('f')]));
  turns = converse(turns, seen([line('a'), line('b')], [file('f', { state: 'done' })]));
  expect(turns.map(({ id }) => id)).toEqual(['a', 'f', 'b']);
  expect(turns[1]!.file!.state).toBe('done');
  // The oldest line was forgotten.
  expect(converse(turns, seen([line('b')], [file('f')])).map(({ id }) => id)).toEqual(['f', 'b']);
});

it('counts what the other has said', () => {
  expect(theirs(converse([], seen([line('a'), line('b', { mine: true })], [file('f'), file('g', { mine: false })])))).toBe(2);
});
