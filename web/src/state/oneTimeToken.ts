// The token of a one-time link, `/welcome#TOKEN`. It is taken out of the address before anything
// else happens: addresses are seen by others, kept in histories and copied.
import { tab, type KeyValue } from './stored.ts';

const KEY = 'dialtone.welcome';

/** Longer than any token, shorter than what somebody may paste by accident. */
const LONGEST = 256;

interface Place {
  readonly pathname: string;
  readonly hash: string;
}

/** For browsers that keep nothing: it lasts as long as the page. */
let taken = '';

/** The token the page was opened with; a reload still has it, another tab does not. */
export function takeToken(place: Place = location, steps: Pick<History, 'replaceState'> = history, storage: KeyValue = tab): string {
  if (place.hash.length > 1) {
    taken = place.hash.length > LONGEST ? '' : place.hash.slice(1);
    steps.replaceState(null, '', place.pathname);
    storage.setItem(KEY, taken);
  }
  return taken || (storage.getItem(KEY) ?? '');
}

/** It has done its work, or never will. */
export function forgetToken(storage: KeyValue = tab): void {
  taken = '';
  storage.removeItem(KEY);
}
