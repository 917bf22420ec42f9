// Opens cameras and microphones. Thin: what an error means is decided in src/state.

export type Kind = 'audio' | 'video';

export interface Wish {
  /** The device asked for; empty is the system's default. */
  device: string;
  /** For cameras of a phone: the one at the front or at the back. */
  facing?: 'user' | 'environment' | undefined;
}

export const canCapture = (): boolean => Boolean(globalThis.navigator?.mediaDevices?.getUserMedia);

// More pixels than 720p cost a call of two more than they show on most screens.
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

function constraints(kind: Kind, wish: Wish): MediaTrackConstraints {
  const base: MediaTrackConstraints = kind === 'video' ? { ...PICTURE } : { ...SOUND };
  // `ideal`, not `exact`: a remembered device that is not plugged in today gives way to another.
  if (wish.device) base.deviceId = { ideal: wish.device };
  if (wish.facing) base.facingMode = { ideal: wish.facing };
  return base;
}

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
