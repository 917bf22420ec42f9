// Opens cameras and microphones. Thin: what an error means is decided in src/state.

import type { Screen } from '../rtc/index.ts';

export type Kind = 'audio' | 'video';

export interface Wish {
  /** The device asked for; empty is the system's default. */
  device: string;
  /** For cameras of a phone: the one at the front or at the back. */
  facing?: 'user' | 'environment' | undefined;
  /** For microphones: what the browser does to the sound. */
  sound?: Sound | undefined;
}

/** What the browser takes out of the sound of a microphone, or evens out in it. */
export interface Sound {
  echo: boolean;
  noise: boolean;
  level: boolean;
}

export const canCapture = (): boolean => Boolean(globalThis.navigator?.mediaDevices?.getUserMedia);

// More pixels than 720p cost a call of two more than they show on most screens.
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const CLEAN: Sound = { echo: true, noise: true, level: true };

function constraints(kind: Kind, wish: Wish): MediaTrackConstraints {
  const base: MediaTrackConstraints = kind === 'video' ? { ...PICTURE } : processing(wish.sound ?? CLEAN);
  // `ideal`, not `exact`: a remembered device that is not plugged in today gives way to another.
  if (wish.device) base.deviceId = { ideal: wish.device };
  if (wish.facing) base.facingMode = { ideal: wish.facing };
  return base;
}

const processing = ({ echo, noise, level }: Sound): MediaTrackConstraints => ({
  echoCancellation: echo,
  noiseSuppression: noise,
  autoGainControl: level,
});

/** Opens the devices asked for with one prompt; fails as a whole. */
export async function open(wishes: Partial<Record<Kind, Wish>>): Promise<Partial<Record<Kind, MediaStreamTrack>>> {
  const { audio, video } = wishes;
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: audio ? constraints('audio', audio) : false,
    video: video ? constraints('video', video) : false,
  });
  const [sound, picture] = [stream.getAudioTracks()[0], stream.getVideoTracks()[0]];
  if (sound) sound.contentHint = 'speech';
  return { ...(sound && { audio: sound }), ...(picture && { video: picture }) };
}

/** A screen, a window or a tab, as the person chooses in the browser's own dialog. */
export async function openScreen(): Promise<Screen | null> {
  const wish = {
    video: { frameRate: { ideal: 30 } },
    // Its sound as it is: suppressing echo and noise is for voices.
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    // Sharing this very tab would show the call in the call. Browsers ignore what they do not know.
    selfBrowserSurface: 'exclude',
    surfaceSwitching: 'include',
    systemAudio: 'include',
  };
  const stream = await navigator.mediaDevices.getDisplayMedia(wish);
  const [video, audio] = [stream.getVideoTracks()[0], stream.getAudioTracks()[0] ?? null];
  return video ? { video, audio } : null;
}

/** Browsers of phones cannot. */
export const canShareScreen = (): boolean => Boolean(globalThis.navigator?.mediaDevices?.getDisplayMedia);
