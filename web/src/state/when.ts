// Times of the past and the near future, as people say them.
import { locale, t } from './i18n/index.ts';

const DAY = 24 * 3_600_000;

/** Making one is slow, so it is kept until another language is spoken. */
const format = (options: Intl.DateTimeFormatOptions) => {
  let made: Intl.DateTimeFormat | undefined;
  let madeFor = '';
  return (at: number) => {
    if (!made || madeFor !== locale()) made = new Intl.DateTimeFormat((madeFor = locale()), options);
    return made.format(at);
  };
};
const weekday = format({ weekday: 'long' });
const shortWeekday = format({ weekday: 'short' });
const dayOfYear = format({ weekday: 'long', day: 'numeric', month: 'long' });
const dayOfPast = format({ day: 'numeric', month: 'long', year: 'numeric' });
const shortDay = format({ day: 'numeric', month: 'short' });
const shortPast = format({ day: 'numeric', month: 'short', year: 'numeric' });
/** `14:05`, as the person's own region writes it. */
export const timeOfDay = format({ timeStyle: 'short' });

/** Whole days between the dates of two moments, in the person's own time zone; positive: `at` is past. */
function daysAgo(at: number, now: number): number {
  const midnight = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);
  // Days of 23 and 25 hours exist.
  return Math.round((midnight(now) - midnight(at)) / DAY);
}

/** `Today`, `Yesterday`, `Tuesday`, `Tuesday, 3 March`, `3 March 2024`. */
export function dayName(at: number, now: number): string {
  const ago = daysAgo(at, now);
  if (ago === 0) return t('history.today');
  if (ago === 1) return t('history.yesterday');
  if (ago > 1 && ago < 7) return weekday(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? dayOfYear(at) : dayOfPast(at);
}

/** For narrow places: `14:05` today, `Tue 14:05` within a week, then `12 Mar`. */
export function shortTime(at: number, now = Date.now()): string {
  const ago = daysAgo(at, now);
  if (ago === 0) return timeOfDay(at);
  return ago > 0 && ago < 7 ? `${shortWeekday(at)} ${timeOfDay(at)}` : shortDay(at);
}

/** Inside a sentence: `3 minutes ago`, `in 2 days`, `yesterday`, and beyond a month `12 Mar 2025`. */
export function relative(at: number, now = Date.now()): string {
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' });
  const ms = at - now;
  const size = Math.abs(ms);
  if (size < 45_000) return words.format(0, 'second');
  if (size < 3_570_000) return words.format(Math.round(ms / 60_000), 'minute');
  if (size < 0.9 * DAY) return words.format(Math.round(ms / 3_600_000), 'hour');
  if (size < 30 * DAY) return words.format(-daysAgo(at, now), 'day');
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? shortDay(at) : shortPast(at);
}
