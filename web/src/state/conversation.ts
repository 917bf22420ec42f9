// What was written and offered in a call, as one conversation.
import type { CallSnapshot, ChatLine, FileLine } from '../rtc/index.ts';

/** A line, or a file. */
export type Turn = { readonly id: string; readonly line: ChatLine; readonly file?: undefined } | { readonly id: string; readonly file: FileLine; readonly line?: undefined };

/**
 * The conversation after a change. What was there keeps its place: the times of lines are the server's,
 * and those of files this machine's, so they cannot be compared.
 */
export function converse(before: readonly Turn[], { chat, aside }: Pick<CallSnapshot, 'chat' | 'aside'>): readonly Turn[] {
  const now = new Map<string, Turn>();
  for (const line of chat) now.set(line.id, { id: line.id, line });
  for (const file of aside.files) now.set(file.id, { id: file.id, file });
  const kept = before.flatMap(({ id }) => now.get(id) ?? []);
  for (const { id } of kept) now.delete(id);
  return [...kept, ...now.values()];
}

/** How many of them the other one has said. */
export function theirs(turns: readonly Turn[]): number {
  return turns.filter(({ line, file }) => !(line ?? file)!.mine).length;
}
