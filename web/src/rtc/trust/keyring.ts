import { Ephemeral, linkKey, SigningKey } from './crypto.ts';
import type { Own } from './channel.ts';

/** Who this end is, for as long as one call. */
export interface Identity {
  readonly signing: SigningKey;
  /** Id of its account; empty for a guest. */
  readonly user: string;
}

/** What one connection needs, made ahead. */
type Ready = Omit<Own, 'chat'>;

/** The keys of this end in one call. They are made ahead, so that a connection finds them ready. */
export class Keyring {
  readonly #room: string;
  readonly #secret: string;
  readonly #identity: () => Promise<Identity>;
  #who: Promise<Identity> | null = null;
  #link: ReturnType<typeof linkKey> | null = null;
  #spare: Promise<Ready> | null = null;
  /** The spare, once it is made. */
  #ready: Ready | null = null;

  /**
   * `room` and `secret` are the link's, both empty without one. Without `identity`, one that lasts as long
   * as the call.
   */
  constructor(room: string, secret: string, identity: () => Promise<Identity> = guest) {
    this.#room = room;
    this.#secret = secret;
    this.#identity = identity;
  }

  /** Whether a link's secret vouches for this end, and has to for the other one. */
  get link(): boolean {
    return this.#secret !== '';
  }

  /** Makes ready what the next connection needs. */
  prepare(): void {
    if (this.#spare) return;
    const spare = this.#make();
    this.#spare = spare;
    spare.then(
      (ready) => this.#spare === spare && (this.#ready = ready),
      // It is tried again when it is asked for.
      () => this.#spare === spare && (this.#spare = null),
    );
  }

  /** What this end is in a new connection: at once if it is ready, so that its hello waits for nothing. */
  own(chat: string): Own | Promise<Own> {
    this.prepare();
    const [spare, ready] = [this.#spare!, this.#ready];
    this.#spare = this.#ready = null;
    return ready ? { ...ready, chat } : spare.then((made) => ({ ...made, chat }));
  }

  async #make(): Promise<Ready> {
    this.#who ??= this.#identity().catch(guest);
    this.#link ??= linkKey(this.#room, this.#secret);
    this.#link.catch(() => (this.#link = null));
    const [{ signing, user }, ephemeral, link] = await Promise.all([this.#who, Ephemeral.create(), this.#link]);
    return { ephemeral, signing, user, linkKey: link };
  }
}

async function guest(): Promise<Identity> {
  return { signing: await SigningKey.create(), user: '' };
}
