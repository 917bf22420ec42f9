import type { Direction } from './languages.ts';

/** Writing from right to left, and the marks that turn the direction. */
const TURNS = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufdff\ufe70-\ufefc]|[\ud802\ud803\ud83a\ud83b]/;
const [ISOLATE, END] = ['\u2068', '\u2069'];

/** A text with `{name}` replaced by the parameters. */
export function fill(text: string, parameters: Record<string, string | number>, dir: Direction = 'ltr'): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = parameters[name];
    return value === undefined ? whole : isolate(String(value), dir);
  });
}

/**
 * Keeps what is put into a sentence from turning the words around it: a name may be written the
 * other way, or hold marks that are meant to. Nothing is added where nothing can turn.
 */
function isolate(value: string, dir: Direction): string {
  const turns = dir === 'ltr' ? TURNS.test(value) : /[^\d\s]/.test(value);
  return turns ? ISOLATE + value + END : value;
}
