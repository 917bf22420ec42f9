// What a person may be called: the server's rules, kept here so that no name is ever refused.

const LONGEST = 64;

/** Control characters, halves of characters and those that turn the direction of text have no place in a name. */
const UNWANTED = /[\p{Cc}\p{Cs}\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/gu;

export function cleanName(typed: string, otherwise: string): string {
  const name = [...typed.replace(UNWANTED, ' ').trim()].slice(0, LONGEST).join('').trim();
  return name || otherwise;
}
