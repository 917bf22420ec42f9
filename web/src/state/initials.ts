/** The character that stands for a name where there is room for one. */
export function initial(name: string): string {
  return [...name.trim()][0]?.toLocaleUpperCase() ?? '';
}

/** One or two characters that stand for a name: `Ada Lovelace` gives `AL`, `林徽因` gives `林`. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const first = (word: string | undefined) => [...(word ?? '')][0] ?? '';
  const [start, end] = [first(words[0]), words.length > 1 ? first(words.at(-1)) : ''];
  return (start + end).toLocaleUpperCase();
}
