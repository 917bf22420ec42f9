// The session with the server, and the calls and rings made over it.
import {
  Call,
  DeviceKey,
  Outgoing,
  People,
  Rings,
  Signaling,
  type ChangedPart,
  type Door,
  type SignalingState,
  type StopReason,
  type Visit,
} from '../rtc/index.ts';
import { invitation, request } from './embedded.ts';
import { identityOf } from './identity.ts';
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

let device: Promise<DeviceKey> | null = null;

/** One key for the page: who is signed in may change, the device does not. */
function deviceKey(): Promise<DeviceKey> {
  return (device ??= DeviceKey.load(tab, { claim }));
}

export interface ServerOptions {
  changed(state: SignalingState, reason: StopReason | null): void;
  /** Whether another call could be taken here now. */
  canTake(): boolean;
  /** A join token has let this person in. */
  admitted(visit: Visit): void;
}

/** The line of one person, or of a guest; another person gets another one. */
export class Server {
  readonly people: People;
  readonly rings: Rings;
  readonly #signaling: Signaling;

  constructor({ changed, canTake, admitted }: ServerOptions) {
    const token = invitation.token && { token: invitation.token, admitted };
    const signaling = new Signaling({ origin: location.origin, device: deviceKey(), fetch: request, ...token });
    this.#signaling = signaling;
    signaling.onState((state) => changed(state, signaling.stopReason));
    this.people = new People(signaling);
    this.rings = new Rings({ signaling, canTake });
  }

  /** Hears that something the API serves has changed. */
  onChanged(listener: (what: ChangedPart) => void): () => void {
    return this.#signaling.on('changed', ({ what }) => listener(what));
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

  /** A call behind a door, not joined yet, by the account `user` (null for a guest). The name is the one given at the time of joining. */
  call(door: Door, name: () => string, user: string | null): Call {
    return new Call({
      signaling: this.#signaling,
      door,
      get name() {
        return name();
      },
      media: { audio: false, video: false },
      tracks: { audio: null, video: null },
      memory: tab,
      identity: () => identityOf(user),
    });
  }

  /** A ring for somebody; with its id, one that goes on after the page was loaded again. */
  outgoing(to: string, ring?: string): Outgoing {
    return new Outgoing({ signaling: this.#signaling, to, ...(ring !== undefined && { ring }) });
  }
}
