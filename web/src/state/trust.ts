// What the lock of a call says, and nothing but what is true.
import type { Trust } from '../rtc/index.ts';
import type { Key } from './i18n/index.ts';
import type { Standing } from './pins.ts';

/** `compared`: the signs were the same at both ends, now or in an earlier call. */
export type LockState = 'link' | 'compared' | 'none';

export interface Lock {
  state: LockState;
  label: Key;
  text: Key;
}

/**
 * `matched`: somebody at this end has compared, and said that the signs match. `standing`: how the device at the
 * other end stands, if it is of somebody who is remembered.
 */
export function lockOf(trust: Trust | null, matched: boolean, standing: Standing | null = null): Lock {
  if (trust?.sealed && !matched && standing === 'verified') {
    return { state: 'compared', label: 'lock.compared', text: 'lock.compared.before' };
  }
  if (trust?.sealed && matched) return { state: 'compared', label: 'lock.compared', text: 'lock.compared.text' };
  if (trust?.sealed && trust.byLink) return { state: 'link', label: 'lock.link', text: 'lock.link.text' };
  return { state: 'none', label: 'lock.none', text: reason(trust, standing) };
}

/** Names the signs of one handshake, so that what was compared does not count for another. */
export function signsOf(trust: Trust | null): string {
  return trust?.signs?.join(' ') ?? '';
}

function reason(trust: Trust | null, standing: Standing | null): Key {
  if (!trust || trust.sealed === null) return 'lock.none.early';
  if (trust.sealed && standing === 'known') return 'lock.none.known';
  if (trust.sealed && standing === 'new') return 'lock.none.new';
  return trust.sealed ? 'lock.none.text' : 'lock.none.plain';
}
