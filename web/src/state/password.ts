// A hint at how good a password is while it is typed. The server decides which are taken.

/** As the server has it. */
export const SHORTEST = 8;
export const LONGEST = 256;

export type Strength = 'short' | 'weak' | 'fair' | 'good';

/** How many guesses it takes, as a power of two, if the guesser knows how people choose. */
function bits(password: string): number {
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(password)).length;
  // What follows from the character before it (the same, or the next one) adds hardly anything.
  const chars = [...password];
  const fresh = chars.filter((char, i) => i === 0 || Math.abs(char.codePointAt(0)! - chars[i - 1]!.codePointAt(0)!) > 1);
  const distinct = new Set(chars).size;
  return Math.min(fresh.length, distinct * 1.6) * (2 + kinds);
}

/** `known`: names that everybody knows, which make a poor part of a password. */
export function strengthOf(password: string, known: string[] = []): Strength {
  if ([...password].length < SHORTEST) return 'short';
  const words = known.flatMap((name) => name.toLowerCase().split(/\s+/)).filter((word) => word.length > 2);
  const lower = password.toLowerCase();
  const rest = words.reduce((text, word) => text.replaceAll(word, ''), lower);
  const score = bits(rest === lower ? password : rest);
  if (score < 30) return 'weak';
  return score < 56 ? 'fair' : 'good';
}
