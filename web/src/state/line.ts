// The line to the server: whose it is, and that it is open whenever it has to be.
import { account } from './account.svelte.ts';
import type { Visit } from '../rtc/index.ts';
import type { Me } from './apiTypes.ts';
import type { Phone } from './phone.svelte.ts';
import { Server } from './server.ts';

/** A member's line is tried again after so long when the server had stopped. */
const COME_BACK_MS = 30_000;

export interface LineOptions {
  phone: Phone;
  /** Whether another call could be taken here now. */
  canTake(): boolean;
  /** Whether the server cannot be reached. */
  offline(is: boolean): void;
  /** The server has closed it for good: this sign-in is over. */
  signedOut(): void;
  /** A join token has let this person in, or lets nobody in. */
  admitted(visit: Visit | null): void;
}

export class Line {
  readonly #options: LineOptions;
  /** Null until it is needed: a guest's start page needs none. */
  #server: Server | null = null;
  /** Whose it is, null for a guest; undefined until that is known. */
  #user: string | null | undefined;
  #comeBack: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LineOptions) {
    this.#options = options;
    account.subscribe((me) => this.#signedIn(me));
    void account.load().then(() => (this.#user ??= account.me?.user ?? null));
  }

  /** Connects, unless it is connected already. */
  open(): Server {
    if (!this.#server) {
      const { phone, canTake, offline, admitted } = this.#options;
      const server = new Server({
        changed: (state, reason) => {
          if (server !== this.#server) return;
          offline(state === 'offline');
          if (reason === 'signed_out') this.#signedOut();
          if (reason === 'refused') admitted(null);
          if (reason === 'server_stopped') this.#comeBack = setTimeout(() => this.wake(), COME_BACK_MS);
        },
        canTake,
        admitted,
      });
      this.#server = server;
      phone.attach(server);
    }
    this.#server.start();
    return this.#server;
  }

  /** Nothing needs it here. A member's stays open on every page: it must ring. */
  release(): void {
    if (!account.me) this.#server?.stop();
  }

  /** The page is looked at again; another tab may have had the line meanwhile. */
  wake(): void {
    if (account.me && window.isSecureContext) this.open();
    this.probe();
  }

  /** The page doubts it: it was hidden, or the network has changed. */
  probe(): void {
    this.#server?.probe();
  }

  #signedOut(): void {
    account.signedOut();
    this.#options.signedOut();
  }

  /** Somebody else is signed in than before, or nobody any more: theirs is another line. */
  #signedIn(me: Me | null): void {
    const user = me?.user ?? null;
    // The first line was opened with the same cookie as the question who that is.
    if (this.#user !== undefined && this.#user !== user) this.#hangUp();
    this.#user = user;
    clearTimeout(this.#comeBack);
    if (me && window.isSecureContext) this.open();
  }

  #hangUp(): void {
    const old = this.#server;
    this.#server = null;
    this.#options.phone.attach(null);
    old?.stop();
  }
}
