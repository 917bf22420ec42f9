// How long something took: for a running clock, and in words.
import { plural } from './i18n/index.ts';

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
  if (total < 60) return plural('duration.seconds', total);
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor(total / 60) % 60];
  if (!hours) return plural('duration.minutes', minutes);
  return minutes
    ? `${plural('duration.hours', hours)} ${plural('duration.minutes', minutes)}`
    : plural('duration.hours', hours);
}
