// What the page says about the call to those outside: attributes for tests and embedding pages,
// and the banner for the person.
import type { CallSnapshot } from '../rtc/index.ts';
import type { Key } from './i18n/index.ts';

export type Screen = 'start' | 'lobby' | 'call' | 'after' | 'refused' | 'unknown';
export type CallState = 'idle' | 'lobby' | 'ringing' | 'connecting' | 'active' | 'reconnecting' | 'ended';

export function callStateOf(screen: Screen, phase: CallSnapshot['phase'] | null): CallState {
  if (screen === 'lobby') return 'lobby';
  if (screen === 'after' || screen === 'refused') return 'ended';
  if (screen !== 'call') return 'idle';
  // Waiting alone counts as connecting: there is a call, and nobody to talk to yet.
  return phase === 'active' || phase === 'reconnecting' ? phase : 'connecting';
}

export interface Banner {
  title: Key;
  text: Key;
}

/** Media and signaling fail independently; the banner says what still works. */
export function bannerOf(phase: CallSnapshot['phase'], signaling: CallSnapshot['signaling'], alone: boolean): Banner | null {
  const media = phase === 'reconnecting';
  const line = signaling === 'offline' || (signaling === 'connecting' && phase !== 'joining');
  if (!media && !line) return null;
  const title = 'banner.reconnecting';
  if (media) return { title, text: line ? 'banner.reconnecting.both' : 'banner.reconnecting.media' };
  return { title, text: alone ? 'banner.reconnecting.alone' : 'banner.reconnecting.signaling' };
}
