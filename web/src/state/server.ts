// The session with the server, and the calls made over it.
import { Call, DeviceKey, Signaling, type Door, type SignalingState } from '../rtc/index.ts';
import { tab } from './stored.ts';

/**
 * Holds a name until the page goes away. A duplicated tab has a copy of the storage and would
 * otherwise be the same device, and throw the first one out of its call.
 */
function claim(name: string): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((answer) => {
    const hold = (lock: Lock | null) => {
      answer(lock !== null);
      return lock ? new Promise<void>(() => undefined) : undefined;
    };
    navigator.locks.request(name, { ifAvailable: true }, hold).catch(() => answer(true));
  });
}

export class Server {
  readonly #signaling: Signaling;

  constructor(changed: (state: SignalingState) => void) {
    const device = DeviceKey.load(tab, { claim });
    this.#signaling = new Signaling({ origin: location.origin, device });
    this.#signaling.onState(changed);
  }

  /** Connects, unless it is connected already. */
  start(): void {
    this.#signaling.start();
  }

  stop(): void {
    this.#signaling.stop();
  }

  /** The page doubts the line: it was hidden, or the network has changed. */
  probe(): void {
    this.#signaling.probe();
  }

  /** A call behind a door, not joined yet. The name is the one given at the time of joining. */
  call(door: Door, name: () => string): Call {
    return new Call({
      signaling: this.#signaling,
      door,
      get name() {
        return name();
      },
      media: { audio: false, video: false },
      tracks: { audio: null, video: null },
      memory: tab,
    });
  }
}
