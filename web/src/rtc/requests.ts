import { limits, type ClientMessage, type ErrorCode, type ServerMessage } from './protocol.gen.ts';

/** Why a request failed: the server's code, or that signaling has stopped or the call went on. */
export type RequestErrorCode = ErrorCode | 'stopped' | 'superseded' | 'withdrawn';

/** The failure of a request. */
export class RequestError extends Error {
  readonly code: RequestErrorCode;

  constructor(code: RequestErrorCode, message: string) {
    super(message);
    this.name = 'RequestError';
    this.code = code;
  }
}

/** A request that has no answer yet. */
export interface Pending {
  readonly id: string;
  readonly message: ClientMessage;
  /** Must wait until the calls have been joined again. */
  held: boolean;
  /** Joins a call again after a reset; the next reset makes it pointless. */
  readonly rejoin: boolean;
  /** Has been given to a socket at least once, so the server may know of it. */
  sent: boolean;
  /** Was withdrawn after that: a session that has heard of it answers, and no other is asked. */
  withdrawn: boolean;
  /** Handles the answer before anything that comes after it. */
  answered?: ((answer: ServerMessage) => void) | undefined;
  resolve(answer: ServerMessage): void;
  reject(error: RequestError): void;
}

/** The unanswered requests, in the order they were made. */
export class Requests {
  readonly #pending = new Map<string, Pending>();
  #next = 1;

  /** A new request id. */
  nextId(): string {
    return String(this.#next++);
  }

  /** Keeps a request; null when too many are waiting. */
  add(entry: Omit<Pending, 'id' | 'sent' | 'withdrawn'>): Pending | null {
    // The server remembers as many answers; older ones could not be recognised as repeats.
    if (this.#pending.size >= limits.answers) return null;
    const pending = { ...entry, id: this.nextId(), sent: false, withdrawn: false };
    this.#pending.set(pending.id, pending);
    return pending;
  }

  /** Whether this request still waits for its answer. */
  has(id: string): boolean {
    return this.#pending.has(id);
  }

  /** Whether such a request waits for its answer. */
  some(such: (message: ClientMessage) => boolean): boolean {
    return [...this.#pending.values()].some(({ message }) => such(message));
  }

  /** Settles the request that `answer` belongs to. */
  answer(id: string, answer: ServerMessage): void {
    const pending = this.#take(id);
    pending?.answered?.(answer);
    if (answer.t === 'error') pending?.reject(new RequestError(answer.code, answer.message));
    else pending?.resolve(answer);
  }

  /** Forgets a request that no socket has carried yet, or else does so when the session is lost. */
  withdraw(id: string): void {
    const pending = this.#pending.get(id);
    if (pending?.sent) pending.withdrawn = true;
    else this.#take(id)?.reject(withdrawn());
  }

  /** What can be sent (again) now, in order. */
  sendable(): Pending[] {
    return [...this.#pending.values()].filter((pending) => !pending.held);
  }

  /** A reset: everything waits, and what was withdrawn and joins of an earlier reset are void. */
  hold(): void {
    for (const pending of [...this.#pending.values()]) {
      pending.held = true;
      if (pending.withdrawn) this.#take(pending.id)?.reject(withdrawn());
      if (pending.rejoin) this.#take(pending.id)?.reject(new RequestError('superseded', 'The session was reset.'));
    }
  }

  /** The calls are joined again: answers what had to wait, in order. */
  release(): Pending[] {
    const released = [...this.#pending.values()].filter((pending) => pending.held);
    for (const pending of released) pending.held = false;
    return released;
  }

  /** Fails everything. */
  fail(error: RequestError): void {
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(error);
  }

  #take(id: string): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}

function withdrawn(): RequestError {
  return new RequestError('withdrawn', 'The request was withdrawn.');
}
