import type { MediaState } from './protocol.gen.ts';

/**
 * Tells the server what is on, one message at a time and always the newest: switching quickly while
 * offline must not pile up.
 */
export class MediaNews {
  readonly #send: (media: MediaState) => Promise<void>;
  #now: MediaState;
  #told: MediaState | null = null;
  #sending = false;

  /** `send` resolves when the message is dealt with, one way or the other. */
  constructor(media: MediaState, send: (media: MediaState) => Promise<void>) {
    this.#now = { ...media };
    this.#send = send;
  }

  /** What is on. */
  get now(): MediaState {
    return this.#now;
  }

  /** Something was switched. */
  set(media: MediaState): void {
    this.#now = { ...media };
  }

  /** What is on, for a message that tells it among other things. */
  tell(): MediaState {
    this.#told = this.#now;
    return this.#now;
  }

  /** Sends what has not been told yet. */
  async flush(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#told !== this.#now) {
      const media = this.tell();
      await this.#send(media);
      // What was told otherwise meanwhile may have been overtaken by this very message.
      if (media !== this.#now) this.#told = null;
    }
    this.#sending = false;
  }
}
