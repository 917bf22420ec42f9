import { decodeChat, encodeChat } from './bodies.ts';
import type { Clock } from './clock.ts';
import { randomId } from './ids.ts';
import { limits, type ChatFrom } from './protocol.gen.ts';
import { RequestError } from './requests.ts';

/** One line of the conversation. */
export interface ChatLine {
  readonly id: string;
  readonly mine: boolean;
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly text: string;
  /** Not with the server yet. */
  readonly pending: boolean;
  /** The server has refused it. */
  readonly failed: boolean;
}

/** Lines that are kept; older ones are forgotten. */
const LONGEST_CHAT = 1_000;
/** Lines that may wait to be sent. */
const LONGEST_OUTBOX = 200;

/** What {@link Chat} needs. */
export interface ChatOptions {
  clock: Clock;
  /** The call to send to; null while there is none. */
  call(): string | null;
  /** Resolves when the server has taken the message. */
  send(call: string, chat: string, body: string): Promise<unknown>;
  changed(): void;
}

/** The conversation of a call. Own lines go out one after the other, so they arrive in order. */
export class Chat {
  readonly #options: ChatOptions;
  readonly #outbox: { id: string; body: string }[] = [];
  #lines: ChatLine[] = [];
  #sending = false;

  constructor(options: ChatOptions) {
    this.#options = options;
  }

  /** The lines so far; another array after each change. */
  get lines(): readonly ChatLine[] {
    return this.#lines;
  }

  /** Says something; false when it is empty, too long, or too much is waiting. */
  say(name: string, text: string): boolean {
    const body = encodeChat(text.trim());
    if (body === null || this.#outbox.length >= LONGEST_OUTBOX) return false;
    const id = randomId();
    const atMs = this.#options.clock.now();
    this.#outbox.push({ id, body });
    this.#append({ id, mine: true, name, atMs, text: text.trim(), pending: true, failed: false });
    void this.flush();
    return true;
  }

  /** Takes a message from the server; one with a known id, or without a text, adds nothing. */
  received(message: ChatFrom, mine: boolean): void {
    if (this.#lines.some((line) => line.id === message.chat)) {
      return this.#mark(message.chat, { pending: false, failed: false });
    }
    const text = decodeChat(message.body);
    if (text === null) return;
    const name = String(message.name).slice(0, limits.name_chars);
    const atMs = Number(message.at_ms) || this.#options.clock.now();
    this.#append({ id: message.chat, mine, name, atMs, text, pending: false, failed: false });
  }

  /** Sends what is waiting. */
  async flush(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    while (await this.#sendNext());
    this.#sending = false;
  }

  /** Sends the oldest waiting line; false when there is none, or it must wait. */
  async #sendNext(): Promise<boolean> {
    const call = this.#options.call();
    const next = this.#outbox[0];
    if (call === null || !next) return false;
    try {
      await this.#options.send(call, next.id, next.body);
      this.#mark(next.id, { pending: false });
    } catch (error) {
      const code = error instanceof RequestError ? error.code : 'stopped';
      if (code === 'stopped') return false;
      // The call may have got another id while the line was waiting.
      if (code === 'not_found' && this.#options.call() !== call) return true;
      this.#mark(next.id, { pending: false, failed: true });
    }
    this.#outbox.shift();
    return true;
  }

  #append(line: ChatLine): void {
    this.#lines = [...this.#lines, line].slice(-LONGEST_CHAT);
    this.#options.changed();
  }

  #mark(id: string, change: Partial<ChatLine>): void {
    this.#lines = this.#lines.map((line) => (line.id === id ? { ...line, ...change } : line));
    this.#options.changed();
  }
}
