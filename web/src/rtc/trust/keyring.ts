import { Ephemeral, linkKey, SigningKey } from './crypto.ts';
import type { Own } from './channel.ts';

/** Who this end is, for as long as one call. */
export interface Identity {
  readonly signing: SigningKey;
  /** Id of its account; empty for a guest. */
  readonly user: string;
}

/** The keys of this end in one call. They are made ahead, so that a connection finds them ready. */
export class Keyring {
  readonly #secret: string;
  readonly #identity: () => Promise<Identity>;
  #who: Promise<Identity> | null = null;
  #spare: Promise<Ephemeral> | null = null;

  /** Without `identity`, one that lasts as long as the call. */
  constructor(secret: string, identity: () => Promise<Identity> = guest) {
    this.#secret = secret;
    this.#identity = identity;
  }

  /** Whether a link's secret vouches for this end, and has to for the other one. */
  get link(): boolean {
    return this.#secret !== '';
  }

  /** Makes ready what the next connection needs. */
  prepare(): void {
    this.#who ??= this.#identity().catch(guest);
    this.#spare ??= Ephemeral.create();
    // What fails is tried again when it is asked for.
    this.#spare.catch(() => (this.#spare = null));
  }

  /** What this end is in a new connection of this room. */
  async own(room: string, chat: string): Promise<Own> {
    this.prepare();
    const spare = this.#spare!;
    this.#spare = null;
    const [{ signing, user }, ephemeral, link] = await Promise.all([
      this.#who!,
      spare,
      linkKey(room, this.#secret),
    ]);
    return { ephemeral, signing, user, linkKey: link, chat };
  }
}

async function guest(): Promise<Identity> {
  return { signing: await SigningKey.create(), user: '' };
}
