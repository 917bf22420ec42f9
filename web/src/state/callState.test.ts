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
  it('is silent while all is well, and while joining', () => {
    expect(bannerOf('active', 'online', false)).toBeNull();
    expect(bannerOf('joining', 'connecting', true)).toBeNull();
  });

  it('says what still works', () => {
    expect(bannerOf('active', 'offline', false)?.text).toBe('banner.reconnecting.signaling');
    expect(bannerOf('waiting', 'connecting', true)?.text).toBe('banner.reconnecting.alone');
    expect(bannerOf('reconnecting', 'online', false)?.text).toBe('banner.reconnecting.media');
    expect(bannerOf('reconnecting', 'offline', false)?.text).toBe('banner.reconnecting.both');
  });
});
