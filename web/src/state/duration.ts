// How long something took: for a running clock, and in words.
import { locale, number } from './i18n/index.ts';

/** `1:05`, `12:00`, `1:02:03`. */
export function clock(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** `40 seconds`, `1 minute`, `2 hours 5 minutes`: the two largest units at most. */
export function inWords(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  if (total < 60) return count(total, 'second');
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  const parts = [hours && count(hours, 'hour'), (minutes || !hours) && count(minutes, 'minute')];
  return new Intl.ListFormat(locale(), { type: 'unit', style: 'narrow' }).format(parts.filter((part) => typeof part === 'string'));
}

/** `3 minutes`, in the plural form of the language. */
const count = (n: number, unit: string): string => number(n, { style: 'unit', unit, unitDisplay: 'long' });
