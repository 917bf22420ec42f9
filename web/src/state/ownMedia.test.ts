import { beforeEach, expect, it, vi } from 'vitest';
import { OwnMedia } from './ownMedia.svelte.ts';
import { prefer } from './preferences.svelte.ts';

class Track {
  enabled = true;
  stopped = false;
  onended: (() => void) | null = null;
  readonly kind: 'audio' | 'video';
  readonly device: string;

  constructor(kind: 'audio' | 'video', device: string) {
    this.kind = kind;
    this.device = device;
  }

  stop(): void {
    this.stopped = true;
  }

  getSettings(): { deviceId: string } {
    return { deviceId: this.device };
  }
}

/** A browser with these devices; what it was asked for, and what it says. */
class Devices extends EventTarget {
  list = { audioinput: ['mic'], videoinput: ['cam'] };
  states: Record<string, string> = { microphone: 'granted', camera: 'granted' };
  asked: string[] = [];
  wishes: unknown[] = [];
  fail: (kinds: string) => string | null = () => null;
  opened: Track[] = [];

  async enumerateDevices(): Promise<unknown[]> {
    return Object.entries(this.list).flatMap(([kind, ids]) =>
      ids.map((deviceId) => ({ kind, deviceId, label: deviceId })),
    );
  }

  async getUserMedia(wish: Record<'audio' | 'video', any>): Promise<unknown> {
    const kinds = (['audio', 'video'] as const).filter((kind) => wish[kind]);
    this.asked.push(kinds.join('+'));
    this.wishes.push(wish.audio);
    const name = this.fail(kinds.join('+'));
    if (name) throw Object.assign(new Error(), { name });
    const tracks = kinds.map((kind) => new Track(kind, wish[kind].deviceId?.ideal ?? 'default'));
    this.opened.push(...tracks);
    const of = (kind: string) => tracks.filter((track) => track.kind === kind);
    return { getAudioTracks: () => of('audio'), getVideoTracks: () => of('video') };
  }
}

let devices: Devices;
let own: OwnMedia;

beforeEach(() => {
  devices = new Devices();
  vi.stubGlobal('navigator', {
    mediaDevices: devices,
    permissions: { query: async ({ name }: { name: string }) => ({ state: devices.states[name] }) },
  });
  vi.stubGlobal('MediaStream', class {});
  prefer({ camera: '', microphone: '' });
  own = new OwnMedia();
});

const turns = () => new Promise((resolve) => setTimeout(resolve, 0));

it('opens both with one question, and lets go of both', async () => {
  await own.open();
  expect(devices.asked).toEqual(['audio+video']);
  expect(own.media).toEqual({ audio: true, video: true });
  own.close();
  expect(devices.opened.every((track) => track.stopped)).toBe(true);
});

it('does not turn the camera on when only the microphone is', async () => {
  devices.fail = (kinds) => (kinds.includes('video') ? 'NotReadableError' : null);
  own.wanted = { audio: false, video: true };
  await own.open();
  expect(own.problems).toEqual([{ kinds: ['video'], cause: 'busy' }]);
  // In the call the camera shows as off; by now another program has let go of it.
  own.enterCall();
  devices.fail = () => null;
  await own.setOn('audio', true);
  expect(devices.asked.at(-1)).toBe('audio');
  expect(own.media).toEqual({ audio: true, video: false });
});

it('does not turn on a camera that is plugged in during a call in which it was never on', async () => {
  devices.list.videoinput = [];
  await own.open();
  own.enterCall();
  devices.list.videoinput = ['cam'];
  devices.dispatchEvent(new Event('devicechange'));
  await turns();
  expect(devices.asked).toEqual(['audio']);
  await own.setOn('video', true);
  expect(own.media.video).toBe(true);
});

it('wants in the next lobby what was wanted and missing in this one', async () => {
  devices.list.audioinput = [];
  await own.open();
  own.enterCall();
  await own.setOn('video', false);
  own.close();
  expect(own.wanted).toEqual({ audio: true, video: false });
});

it('goes on with another device of the kind that was unplugged, and opens nothing else', async () => {
  await own.open();
  own.enterCall();
  await own.setOn('video', false);
  const lost = vi.fn();
  const replaced = vi.fn();
  own.follow({ track: vi.fn(), media: vi.fn(), lost, replaced });
  devices.opened[0]!.onended!();
  await turns();
  expect(devices.asked).toEqual(['audio+video', 'audio']);
  expect(own.media).toEqual({ audio: true, video: false });
  expect(lost).not.toHaveBeenCalled();
  expect(replaced, 'and it is said').toHaveBeenCalledOnce();
});

it('says when a device is unplugged and there is no other', async () => {
  await own.open();
  own.enterCall();
  const lost = vi.fn();
  own.follow({ track: vi.fn(), media: vi.fn(), lost, replaced: vi.fn() });
  devices.list.audioinput = [];
  devices.opened[0]!.onended!();
  await turns();
  expect(lost).toHaveBeenCalledExactlyOnceWith('audio');
  expect(own.causeOf('audio')).toBe('unplugged');
});

it('changes the microphone also while it is muted', async () => {
  await own.open();
  await own.setOn('audio', false);
  await own.choose('audio', 'other');
  expect(own.current('audio')).toBe('other');
  expect(own.tracks.audio!.enabled).toBe(false);
  await own.setOn('audio', true);
  expect(own.tracks.audio!.enabled).toBe(true);
});

it('keeps the microphone there is when another one cannot be opened', async () => {
  await own.open();
  devices.fail = () => 'NotReadableError';
  await own.choose('audio', 'other');
  expect(own.media.audio).toBe(true);
  expect(own.problems).toEqual([]);
});

it('asks for the microphone although the camera is blocked for good', async () => {
  devices.states = { microphone: 'prompt', camera: 'denied' };
  devices.fail = (kinds) => (kinds.includes('video') ? 'NotAllowedError' : null);
  await own.open();
  expect(devices.asked).toEqual(['audio+video', 'audio']);
  expect(own.media).toEqual({ audio: true, video: false });
  expect(own.problems).toEqual([{ kinds: ['video'], cause: 'denied' }]);
});

it('does not ask again after a "no" to both', async () => {
  for (const state of ['prompt', 'denied']) {
    devices.asked = [];
    devices.states = { microphone: state, camera: state };
    devices.fail = () => 'NotAllowedError';
    await own.open();
    expect(devices.asked).toEqual(['audio+video']);
    expect(own.nothing).toBe(true);
  }
});

it('opens the microphone anew when the browser is to treat its sound otherwise', async () => {
  await own.open();
  const before = own.tracks.audio as unknown as Track;
  prefer({ suppressNoise: false });
  await own.reprocess();
  expect(before.stopped).toBe(true);
  expect(own.tracks.audio).not.toBe(null);
  expect(devices.wishes.at(-1)).toMatchObject({ echoCancellation: true, noiseSuppression: false, autoGainControl: true });
  prefer({ suppressNoise: true });
});
