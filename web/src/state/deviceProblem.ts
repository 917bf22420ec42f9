// What went wrong with a camera or microphone: what happened, what it means, how to mend it.
import type { Key } from './i18n/index.ts';

export type Kind = 'audio' | 'video';
export type Cause = 'denied' | 'system' | 'busy' | 'missing' | 'insecure' | 'unplugged' | 'unknown';

export interface DeviceProblem {
  kinds: readonly Kind[];
  cause: Cause;
}

/** The cause behind an error of getUserMedia, by its name and, where names are shared, its text. */
export function causeOf(error: unknown): Cause {
  const { name = '', message = '' } = (error ?? {}) as { name?: string; message?: string };
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      // Chromium and Safari add "by system" when not the page but the whole browser may not.
      return /system/i.test(message) ? 'system' : 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'unknown';
  }
}

/** The same cause for both devices is one problem, told once. */
export function joinProblems(problems: readonly DeviceProblem[]): DeviceProblem[] {
  const [first, second] = problems;
  if (first && second && first.cause === second.cause) return [{ cause: first.cause, kinds: ['audio', 'video'] }];
  return [...problems];
}

export type BrowserKind = 'chromium' | 'firefox' | 'safari' | 'ios' | 'other';

export function browserKind(userAgent: string, touchPoints = 0): BrowserKind {
  // Every browser on an iPhone or iPad follows the system's settings; iPads say they are Macs.
  if (/iPhone|iPad/.test(userAgent) || (/Macintosh/.test(userAgent) && touchPoints > 1)) return 'ios';
  if (/Firefox\//.test(userAgent)) return 'firefox';
  if (/Chrom(e|ium)\//.test(userAgent)) return 'chromium';
  return /Safari\//.test(userAgent) ? 'safari' : 'other';
}

export interface ProblemText {
  title: Key;
  means: Key;
  mend: Key;
}

const MEND_DENIED: Readonly<Record<BrowserKind, Key>> = {
  chromium: 'problem.denied.mend.chromium',
  firefox: 'problem.denied.mend.firefox',
  safari: 'problem.denied.mend.safari',
  ios: 'problem.denied.mend.ios',
  other: 'problem.denied.mend.other',
};

/** Three sentences for a problem: what happened, what it means for the call, what to do. */
export function problemText(problem: DeviceProblem, browser: BrowserKind): ProblemText {
  const what = problem.kinds.length > 1 ? 'both' : (problem.kinds[0] ?? 'both');
  const mend = problem.cause === 'denied' ? MEND_DENIED[browser] : (`problem.${problem.cause}.mend` as const);
  return {
    title: `problem.${problem.cause}.${what}`,
    // Without a secure context there are no keys to join with either.
    means: problem.cause === 'insecure' ? 'problem.means.insecure' : `problem.means.${what}`,
    mend,
  };
}
