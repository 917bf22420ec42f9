// What the page says about the call to those outside: attributes for tests and embedding pages,
// and the banner for the person.
import type { CallSnapshot } from '../rtc/index.ts';
import type { Key } from './i18n/index.ts';
import type { AccountPage } from './route.ts';

export type Screen =
  | 'start'
  | 'check'
  | 'lobby'
  | 'calling'
  | 'unanswered'
  | 'call'
  | 'after'
  | 'refused'
  | AccountPage
  | 'unknown';
export type CallState = 'idle' | 'lobby' | 'ringing' | 'connecting' | 'active' | 'reconnecting' | 'ended';

/** Whether somebody calls here, and whether the other side is being called. */
export interface Ringing {
  here: boolean;
  there: boolean;
}

const SILENCE: Ringing = { here: false, there: false };

export function callStateOf(screen: Screen, phase: CallSnapshot['phase'] | null, ringing: Ringing = SILENCE): CallState {
  // A call that goes on is told, whoever else rings meanwhile.
  if (screen === 'calling') return ringing.here || ringing.there ? 'ringing' : 'connecting';
  if (screen !== 'call' && ringing.here) return 'ringing';
  if (screen === 'lobby') return 'lobby';
  if (screen === 'after' || screen === 'refused' || screen === 'unanswered') return 'ended';
  if (screen !== 'call') return 'idle';
  // Waiting alone counts as connecting: there is a call, and nobody to talk to yet.
  return phase === 'active' || phase === 'reconnecting' ? phase : 'connecting';
}

export interface Banner {
  title: Key;
  text: Key;
}

interface Health {
  phase: CallSnapshot['phase'];
  signaling: CallSnapshot['signaling'];
  /** Whether the other person's signaling is connected; null when nobody is there. */
  peerOnline: boolean | null;
  /** Who sends no picture at present, as it does not fit beside the sound. */
  paused?: { here: boolean; there: boolean };
}

/** Media and signaling fail independently, at either end; the banner says what still works. */
export function bannerOf({ phase, signaling, peerOnline, paused }: Health): Banner | null {
  if (phase === 'joining') {
    return signaling === 'offline' ? { title: 'banner.joining', text: 'banner.joining.text' } : null;
  }
  const text = trouble(phase === 'reconnecting', signaling === 'offline', peerOnline);
  if (text) return { title: 'banner.reconnecting', text };
  if (paused?.here) return { title: 'banner.paused', text: paused.there ? 'banner.paused.both' : 'banner.paused.here' };
  return paused?.there ? { title: 'banner.paused', text: 'banner.paused.there' } : null;
}

function trouble(media: boolean, line: boolean, peerOnline: boolean | null): Key | null {
  if (media && line) return 'banner.reconnecting.both';
  if (media) return peerOnline === false ? 'banner.peer.gone' : 'banner.reconnecting.media';
  if (line) return peerOnline === null ? 'banner.reconnecting.alone' : 'banner.reconnecting.signaling';
  return peerOnline === false ? 'banner.peer.offline' : null;
}
