// What a person chose on this device and would choose again.
import { local, readJson } from './stored.ts';

const KEY = 'dialtone.preferences';

interface Preferences {
  name: string;
  sounds: boolean;
  volume: number;
  shortcuts: boolean;
  camera: string;
  microphone: string;
  speaker: string;
  /** What the browser does to the sound of the microphone. */
  cancelEcho: boolean;
  suppressNoise: boolean;
  evenLevel: boolean;
  /** Empty: as the browser says. */
  language: string;
}

const DEFAULTS: Preferences = {
  name: '',
  sounds: true,
  volume: 0.6,
  shortcuts: true,
  camera: '',
  microphone: '',
  speaker: '',
  cancelEcho: true,
  suppressNoise: true,
  evenLevel: true,
  language: '',
};

/** Takes only known keys of the right type: the stored value may be from another version. */
export function mergePreferences(stored: unknown): Preferences {
  const found = (typeof stored === 'object' && stored) || {};
  const same = Object.entries(found).filter(
    ([key, value]) => key in DEFAULTS && typeof value === typeof DEFAULTS[key as keyof Preferences],
  );
  return { ...DEFAULTS, ...Object.fromEntries(same) };
}

export const preferences: Preferences = $state(mergePreferences(readJson(local, KEY)));

export function prefer(change: Partial<Preferences>): void {
  Object.assign(preferences, change);
  local.setItem(KEY, JSON.stringify(preferences));
}
