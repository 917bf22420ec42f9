import type { Socket } from '../line.ts';
import type { Account, ServerMessage } from '../protocol.gen.ts';
import { Signaling, type SignalingOptions } from '../signaling.ts';
import { FakeClock } from './clock.ts';

/** A frame a client has sent; tests look at whatever they like in it. */
export type Sent = { t: string; id?: string; ack?: number } & Record<string, any>;

/** How the server greets a socket; null leaves it to the test. */
export type Greeting = 'welcome' | 'resumed' | 'reset' | null;

/** The server's end of one socket. */
export class FakeSocket extends EventTarget implements Socket {
  readonly sent: Sent[] = [];
  closed = false;
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    super();
    this.#server = server;
  }

  send(data: string): void {
    const frame = JSON.parse(data) as Sent;
    this.sent.push(frame);
    this.#server.received(this, frame);
  }

  close(): void {
    this.closed = true;
  }

  /** The client gets a frame. */
  push(frame: ServerMessage & { seq?: number; re?: string }): void {
    this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }));
  }

  /** The client gets anything at all. */
  pushRaw(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  /** The socket is closed from the server's side. */
  drop(code = 1006): void {
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason: '' }));
  }

  /** What was sent of a type. */
  of(type: string): Sent[] {
    return this.sent.filter((frame) => frame.t === type);
  }
}

/** A server as scripted by a test: greets, and answers what it is told to answer. */
export class FakeServer {
  readonly clock = new FakeClock();
  readonly sockets: FakeSocket[] = [];
  readonly proofs: string[] = [];
  /** How tickets were asked for. */
  readonly requests: RequestInit[] = [];
  greeting: Greeting = 'welcome';
  reachable = true;
  tickets = 0;
  ticketStatus = 200;
  retryAfter = '0';
  /** Where the token that is shown leads. */
  visit: object | null = null;
  /** Whose sessions these are; null for a guest's. */
  account: Account | null = null;
  /** Up to which number a resumed session has missed frames. */
  upTo = 0;
  /** Answers requests; what it returns is sent with the right `re` and `seq`. */
  answer: (frame: Sent) => ServerMessage | null = () => null;
  #seq = 0;
  #tokens = 0;

  /** The newest socket. */
  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  /** A client of this server. */
  signaling(options: Partial<SignalingOptions> = {}): Signaling {
    return new Signaling({
      origin: 'https://dialtone.test',
      device: { key: 'k', proof: (text) => (this.proofs.push(text), Promise.resolve({ key: 'k', signature: 's' })) },
      fetch: (_, request) => (this.requests.push(request ?? {}), this.ticket()),
      createSocket: () => this.open(),
      clock: this.clock,
      random: () => 0.5,
      log: () => {},
      ...options,
    });
  }

  /** Sends a numbered frame on the newest socket. */
  push(message: ServerMessage, re?: string): void {
    this.#seq += 1;
    this.socket.push({ ...message, seq: this.#seq, ...(re !== undefined && { re }) });
  }

  received(socket: FakeSocket, frame: Sent): void {
    if (frame.t === 'hello' || frame.t === 'resume') return this.#greet(socket, frame);
    if (frame.id === undefined) return;
    const answer = this.answer(frame);
    if (answer) queueMicrotask(() => this.push(answer, frame.id));
  }

  #greet(socket: FakeSocket, frame: Sent): void {
    const resume_token = `token-${++this.#tokens}`;
    const re = frame.id!;
    if (this.greeting === 'resumed') return socket.push({ t: 'resumed', resume_token, up_to: this.upTo, re });
    if (this.greeting === null) return;
    this.#seq = 0;
    const opened = {
      session: `session-${this.#tokens}`,
      epoch: 'epoch',
      resume_token,
      window_ms: 30_000,
      ping_ms: 25_000,
      you: { device: 'device', ...(this.account && { account: this.account }) },
      features: [],
      re,
    };
    if (this.greeting === 'welcome') socket.push({ t: 'welcome', ...opened });
    else socket.push({ t: 'reset', reason: 'new_epoch', ...opened });
  }

  /** The answer to `POST /api/v1/tickets`. */
  ticket(): Promise<Response> {
    if (!this.reachable) return Promise.reject(new TypeError('failed to fetch'));
    this.tickets += 1;
    const body = JSON.stringify({ ticket: `ticket-${this.tickets}`, expires_in_ms: 30_000, ...(this.visit && { visit: this.visit }) });
    const headers = { 'Retry-After': this.retryAfter };
    return Promise.resolve(new Response(body, { status: this.ticketStatus, headers }));
  }

  /** Another socket, which opens in a moment. */
  open(): FakeSocket {
    const socket = new FakeSocket(this);
    this.sockets.push(socket);
    queueMicrotask(() => socket.dispatchEvent(new Event('open')));
    return socket;
  }
}
