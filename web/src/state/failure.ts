// What went wrong, in a sentence for the person: what happened, and what to do.
import type { ApiError } from './api.ts';
import { inWords } from './duration.ts';
import { t, type Key } from './i18n/index.ts';

const TEXTS: Readonly<Record<string, Key>> = {
  offline: 'failure.offline',
  unexpected: 'failure.unexpected',
  wrong_credentials: 'failure.wrong_credentials',
  unauthorized: 'failure.unauthorized',
  forbidden: 'failure.forbidden',
  passkey_unknown: 'failure.passkey_unknown',
  passkey_cancelled: 'failure.passkey_cancelled',
  passkey_exists: 'failure.passkey_exists',
  passkey_failed: 'failure.passkey_failed',
};

export function failureText({ code, status, message, retryAfterMs }: ApiError): string {
  if (status === 429 && retryAfterMs > 0) return t('failure.limit', { time: inWords(atLeast(retryAfterMs)) });
  if (status === 429) return t('failure.limit.soon');
  const known = TEXTS[code];
  if (known) return t(known);
  // The server's own sentence is the more exact one where this version does not know the code.
  return message || t('failure.unexpected');
}

/** In whole minutes from one upwards: who comes back too early waits again. */
function atLeast(ms: number): number {
  return ms > 60_000 ? Math.ceil(ms / 60_000) * 60_000 : ms;
}
