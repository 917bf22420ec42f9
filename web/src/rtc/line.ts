import { Timer, type Clock } from './clock.ts';
import { SUBPROTOCOL, type ClientFrame, type ServerFrame } from './protocol.gen.ts';
import type { Prover } from './device.ts';
import { fetchTicket, TicketError, type Visit } from './ticket.ts';

/** The part of a `WebSocket` that is used here. */
export interface Socket {
  send(data: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(
    type: 'open' | 'message' | 'close' | 'error',
    listener: (event: any) => void,
  ): void;
}

/** What a line needs from outside. */
export interface LineEnvironment {
  /** `https://host`, without a path. */
  origin: string;
  /** What is shown to get a ticket; null: the page's cookie decides. */
  token: string | null;
  device: Prover | Promise<Prover>;
  clock: Clock;
  fetch: typeof globalThis.fetch;
  createSocket(url: string, protocol: string): Socket;
}

/** Why a line ended. */
export interface LineEnd {
  /** Close code, or null when the socket never opened or went silent. */
  code: number | null;
  /** How long the server asks us to stay away, in milliseconds. */
  retryAfterMs: number;
  detail: string;
  /** The token that was shown is good no more. */
  refused: boolean;
}

/** What a line reports; nothing comes after `closed`, and nothing at all after `close()`. */
export interface LineEvents {
  /** A join token was good. */
  admitted(visit: Visit): void;
  /** The first frame to send, made for this ticket. */
  greet(ticket: string): Promise<ClientFrame>;
  frame(frame: ServerFrame): void;
  closed(end: LineEnd): void;
}

/** One attempt to reach the server, and the socket that comes of it. */
export class Line {
  readonly #environment: LineEnvironment;
  readonly #events: LineEvents;
  readonly #abort = new AbortController();
  readonly #timer: Timer;
  #socket: Socket | null = null;
  #over = false;

  /** Starts at once; when nothing is established after `timeoutMs`, the line has failed. */
  constructor(environment: LineEnvironment, events: LineEvents, timeoutMs: number) {
    this.#environment = environment;
    this.#events = events;
    this.#timer = new Timer(environment.clock);
    this.#timer.set(timeoutMs, () => this.fail('no answer in time'));
    this.#open().catch((error: unknown) => this.#failed(error));
  }

  /** The server has answered the greeting. */
  established(): void {
    this.#timer.clear();
  }

  /** Sends a frame; false when the socket does not take it. */
  send(frame: ClientFrame): boolean {
    if (this.#over || !this.#socket) return false;
    try {
      this.#socket.send(JSON.stringify(frame));
      return true;
    } catch {
      return false; // not open (any more); its close event follows
    }
  }

  /** Ends the line without a report. */
  close(): void {
    this.#over = true;
    this.#timer.clear();
    this.#abort.abort();
    try {
      this.#socket?.close(1000);
    } catch {
      // Nothing is left to close.
    }
  }

  /** Ends the line and reports it. */
  fail(detail: string, code: number | null = null, { retryAfterMs = 0, refused = false } = {}): void {
    if (this.#over) return;
    this.close();
    this.#events.closed({ code, retryAfterMs, detail, refused });
  }

  async #open(): Promise<void> {
    const { fetch, origin, token } = this.#environment;
    const device = token === null ? '' : (await this.#environment.device).key;
    const { ticket, visit } = await fetchTicket({ fetch, origin, token, device, signal: this.#abort.signal });
    if (visit && !this.#over) this.#events.admitted(visit);
    // The greeting is ready before the socket opens: the server waits two seconds for it.
    const greeting = await this.#events.greet(ticket);
    if (this.#over) return;
    const url = `${origin.replace(/^http/, 'ws')}/api/v1/ws`;
    this.#attach(this.#environment.createSocket(url, SUBPROTOCOL), greeting);
  }

  #attach(socket: Socket, greeting: ClientFrame): void {
    this.#socket = socket;
    socket.addEventListener('open', () => this.send(greeting));
    socket.addEventListener('message', (event: { data: unknown }) => this.#message(event.data));
    socket.addEventListener('close', (event: { code: number; reason: string }) =>
      this.fail(event.reason, event.code),
    );
  }

  #message(data: unknown): void {
    const frame = parseFrame(data);
    if (frame && !this.#over) this.#events.frame(frame);
  }

  #failed(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    this.fail(detail, null, error instanceof TicketError ? error : {});
  }
}

/** A frame of the server; null for what is none. */
export function parseFrame(data: unknown): ServerFrame | null {
  if (typeof data !== 'string') return null;
  try {
    const frame: unknown = JSON.parse(data);
    const object = typeof frame === 'object' && frame !== null && !Array.isArray(frame);
    return object && typeof (frame as { t?: unknown }).t === 'string' ? (frame as ServerFrame) : null;
  } catch {
    return null;
  }
}
