import { number } from './i18n/index.ts';

const UNITS = ['byte', 'kilobyte', 'megabyte'] as const;

/** So many bytes as people write them, in powers of a thousand. */
export function bytes(count: number): string {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1_000 ** step;
  return number(value, { style: 'unit', unit: UNITS[step], unitDisplay: 'short', maximumFractionDigits: step > 0 && value < 10 ? 1 : 0 });
}
