// How the figures of a call went, for the plots.
import type { Quality } from '../rtc/index.ts';

/** Of so many samples: they are taken every two seconds, so it is three minutes. */
export const KEPT = 90;

/** The course with one more sample, if this is another one than the last. */
export function follow(course: readonly Quality[], next: Quality | null): readonly Quality[] {
  if (next === null || next === course.at(-1)) return course;
  return [...course, next].slice(-KEPT);
}

/** The top of an axis on which all these are: 1, 2 or 5 with zeros, and never less than `least`. */
export function topOf(values: readonly (number | null)[], least: number): number {
  const most = Math.max(least, ...values.map((value) => value ?? 0));
  const unit = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * unit).find((top) => top >= most * 0.999) ?? most;
}

/** The line through them as an SVG path: the newest is at the right edge, and what is not known a gap. */
export function pathOf(values: readonly (number | null)[], top: number, width: number, height: number): string {
  const step = width / (KEPT - 1);
  const left = width - (values.length - 1) * step;
  let drawing = false;
  return values
    .map((value, i) => {
      if (value === null) {
        drawing = false;
        return '';
      }
      const [x, y] = [left + i * step, height * (1 - Math.min(value / top, 1))];
      const move = drawing ? 'L' : 'M';
      drawing = true;
      // A single point is a line of no length: round ends make it a dot.
      return `${move}${x.toFixed(1)} ${y.toFixed(1)}${move === 'M' ? 'h0' : ''}`;
    })
    .join('');
}
