import { describe, expect, it } from 'vitest';
import { bannerOf, callStateOf } from './callState.ts';

describe('callStateOf', () => {
  it('follows the screen, and in a call its phase', () => {
    expect(callStateOf('start', null)).toBe('idle');
    expect(callStateOf('unknown', null)).toBe('idle');
    expect(callStateOf('lobby', 'idle')).toBe('lobby');
    expect(callStateOf('after', 'ended')).toBe('ended');
    expect(callStateOf('refused', 'refused')).toBe('ended');
  });

  it('counts joining and waiting alone as connecting', () => {
    for (const phase of ['joining', 'waiting', 'connecting'] as const) expect(callStateOf('call', phase)).toBe('connecting');
    expect(callStateOf('call', 'active')).toBe('active');
    expect(callStateOf('call', 'reconnecting')).toBe('reconnecting');
  });
});

describe('bannerOf', () => {
  const text = (
    phase: 'joining' | 'waiting' | 'active' | 'reconnecting',
    signaling: 'connecting' | 'online' | 'offline',
    peerOnline: boolean | null,
  ) => bannerOf({ phase, signaling, peerOnline })?.text;

  it('is silent while all is well, and while joining', () => {
    expect(text('active', 'online', true)).toBeUndefined();
    expect(text('waiting', 'online', null)).toBeUndefined();
    expect(text('joining', 'connecting', null)).toBeUndefined();
  });

  it('says what still works', () => {
    expect(text('active', 'offline', true)).toBe('banner.reconnecting.signaling');
    expect(text('waiting', 'offline', null)).toBe('banner.reconnecting.alone');
    expect(text('reconnecting', 'online', true)).toBe('banner.reconnecting.media');
    expect(text('reconnecting', 'offline', true)).toBe('banner.reconnecting.both');
  });

  it('promises no place to somebody who has none yet', () => {
    expect(text('joining', 'offline', null)).toBe('banner.joining.text');
  });

  it('says when it is the other one who is away', () => {
    expect(text('active', 'online', false)).toBe('banner.peer.offline');
    expect(text('reconnecting', 'online', false)).toBe('banner.peer.gone');
  });

  it('says who sends no picture, unless something worse is the matter', () => {
    const paused = (here: boolean, there: boolean, peerOnline = true) =>
      bannerOf({ phase: 'active', signaling: 'online', peerOnline, paused: { here, there } })?.text;
    expect(paused(false, false)).toBeUndefined();
    expect(paused(true, false)).toBe('banner.paused.here');
    expect(paused(false, true)).toBe('banner.paused.there');
    expect(paused(true, true)).toBe('banner.paused.both');
    expect(paused(true, true, false)).toBe('banner.peer.offline');
  });
});
