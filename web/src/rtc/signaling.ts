import { Acks } from './acks.ts';
import { Backoff } from './backoff.ts';
import { consoleLog, systemClock, Timer, type Clock, type Log } from './clock.ts';
import type { Prover } from './device.ts';
import { Listeners } from './emitter.ts';
import { utf8Length } from './ids.ts';
import { Line, type LineEnd, type LineEnvironment, type Socket } from './line.ts';
import { Liveness } from './liveness.ts';
import {
  closeCodes,
  limits,
  type ClientFrame,
  type ClientInfo,
  type ClientMessage,
  type GoAway,
  type ServerFrame,
  type ServerMessage,
} from './protocol.gen.ts';
import { RequestError, Requests, type Pending } from './requests.ts';
import { Session } from './session.ts';
import type { Visit } from './ticket.ts';

/** `connecting` before the first success, `offline` while it is tried again, `stopped` for good. */
export type SignalingState = 'connecting' | 'online' | 'offline' | 'stopped';

/**
 * Why signaling has stopped: we asked for it, another page took the session, the account was signed
 * out, the token lets nobody in (any more), the server will not come back, or the two programs do not
 * speak the same protocol.
 */
export type StopReason = 'asked' | 'replaced' | 'signed_out' | 'refused' | 'server_stopped' | 'protocol';

/** What {@link Signaling} needs; everything with a default can be left out in a browser. */
export interface SignalingOptions {
  /** `https://host`, without a path. */
  origin: string;
  device: Prover | Promise<Prover>;
  /** A join token, or an API token with the scope `calls`; without one, the page's cookie decides who this is. */
  token?: string;
  /** Hears where a join token leads, each time it has let us in. */
  admitted?: (visit: Visit) => void;
  client?: ClientInfo;
  fetch?: typeof globalThis.fetch;
  createSocket?: (url: string, protocol: string) => Socket;
  clock?: Clock;
  /** From 0 up to 1. */
  random?: () => number;
  log?: Log;
}

/** How a request is made. */
export interface RequestOptions {
  signal?: AbortSignal;
  answered?: (answer: ServerMessage) => void;
}

/** The message of one type. */
export type Message<Type extends ServerMessage['t']> = Extract<ServerMessage, { t: Type }>;

/** An attempt on a good network needs well under a second; later ones may be on a bad one. */
const ATTEMPT_MS = 4_000;
const ATTEMPT_STEP_MS = 1_500;
const LONGEST_ATTEMPT_MS = 10_000;
/** The server cannot keep us away longer than this. */
const LONGEST_AWAY_MS = 30_000;

/**
 * The session with the server: one WebSocket at a time, made again whenever it is lost, and
 * messages that arrive once and in order across all of them.
 */
export class Signaling {
  readonly #environment: LineEnvironment;
  readonly #admitted: (visit: Visit) => void;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #log: Log;
  readonly #session: Session;
  readonly #requests = new Requests();
  readonly #acks: Acks;
  readonly #liveness: Liveness;
  readonly #backoff: Backoff;
  readonly #retry: Timer;
  readonly #away: Timer;
  readonly #messages = new Map<string, Listeners<[ServerMessage]>>();
  readonly #states: Listeners<[SignalingState]>;
  readonly #caughtUp: Listeners<[]>;
  readonly #resets = new Set<() => Promise<void>>();
  #state: SignalingState = 'stopped';
  #stopReason: StopReason | null = 'asked';
  #line: Line | null = null;
  #established = false;
  #pingMs: number = limits.ping_idle_ms;
  readonly #expected = new Set<{ ms: number }>();
  /** Number of the last frame that was missed while there was no socket; null when it was handled. */
  #missedTo: number | null = null;
  /** Identity of the reset whose listeners are still busy. */
  #resetting: object | null = null;

  constructor(options: SignalingOptions) {
    this.#environment = environmentOf(options);
    this.#admitted = options.admitted ?? (() => undefined);
    this.#clock = this.#environment.clock;
    this.#random = options.random ?? Math.random;
    this.#log = options.log ?? consoleLog;
    this.#session = new Session(options.device, options.client ?? { name: 'web', version: '0.1.0' });
    this.#states = new Listeners(this.#log);
    this.#caughtUp = new Listeners(this.#log);
    this.#acks = new Acks(this.#clock, () => this.#sendFrame({ t: 'ack' }));
    this.#liveness = new Liveness(this.#clock, {
      ask: () => this.#sendFrame({ t: 'ping' }),
      lost: () => this.#line?.fail('nothing is heard any more'),
    });
    this.#backoff = new Backoff(this.#random);
    this.#retry = new Timer(this.#clock);
    this.#away = new Timer(this.#clock);
  }

  /** How the session is. */
  get state(): SignalingState {
    return this.#state;
  }

  /** Why it has stopped, when it has. */
  get stopReason(): StopReason | null {
    return this.#stopReason;
  }

  /**
   * Whether everything the server had to say while it could not be reached has been heard. What
   * rang then may be over: before this, nothing rings.
   */
  get caughtUp(): boolean {
    return this.#state === 'online' && this.#missedTo === null;
  }

  /** Connects, and stays connected until {@link stop}. */
  start(): void {
    if (this.#state !== 'stopped') return;
    this.#stopReason = null;
    this.#backoff.reset();
    this.#setState('connecting');
    this.#connect();
  }

  /** Disconnects; unanswered requests fail with `stopped`. */
  stop(): void {
    this.#stop('asked');
  }

  /**
   * Sends a message that must not be lost: it is kept, and sent again in order, until its answer
   * has come. Rejects with {@link RequestError}. An aborted `signal` takes it back as long as no
   * socket has carried it, and keeps it from being sent again to a server that has lost the session.
   * `answered` handles an answer before anything that comes after it.
   */
  request(message: ClientMessage, options: RequestOptions = {}): Promise<ServerMessage> {
    const problem = this.#refusal(message);
    if (problem) return Promise.reject(problem);
    return new Promise((resolve, reject) => {
      const rejoin = this.#resetting !== null && message.t === 'join';
      // While the calls are being joined again only the joins go ahead of what had to wait.
      const held = this.#resetting !== null && !rejoin;
      const pending = this.#requests.add({ message, held, rejoin, answered: options.answered, resolve, reject });
      if (!pending) return reject(new RequestError('limit', 'Too many requests are unanswered.'));
      options.signal?.addEventListener('abort', () => this.#requests.withdraw(pending.id));
      if (!held) this.#transmit(pending);
    });
  }

  /** Whether this device may be on its way into a room; where the answer to a ring leads is not known. */
  entering(room: string): boolean {
    return this.#requests.some((message) => message.t === 'accept' || (message.t === 'join' && message.room === room));
  }

  /** Sends a message nobody answers; false, and it is gone, when there is no connection now. */
  send(message: ClientMessage): boolean {
    return this.#established && this.#sendFrame(message);
  }

  /** Hears every message of a type, answers included, before its request is settled. */
  on<Type extends ServerMessage['t']>(
    type: Type,
    listener: (message: Message<Type>) => void,
  ): () => void {
    const listeners = this.#messages.get(type) ?? new Listeners<[ServerMessage]>(this.#log);
    this.#messages.set(type, listeners);
    return listeners.add(listener as (message: ServerMessage) => void);
  }

  /** Hears every change of {@link state}; not called for the present one. */
  onState(listener: (state: SignalingState) => void): () => void {
    return this.#states.add(listener);
  }

  /** Hears when {@link caughtUp} has become true. */
  onCaughtUp(listener: () => void): () => void {
    return this.#caughtUp.add(listener);
  }

  /**
   * Is called when the server has lost the session. The listener sends its joins before it first
   * awaits anything; requests that were unanswered follow when all listeners are done.
   */
  onReset(listener: () => Promise<void>): () => void {
    this.#resets.add(listener);
    return () => this.#resets.delete(listener);
  }

  /** The line is in doubt: the page became visible, came online or changed network. */
  probe(): void {
    if (this.#established) this.#liveness.probe();
    else if (this.#retry.running && !this.#away.running) this.#connect();
  }

  /** Pings are due at this interval, as they are in a call, until the answer is called. */
  expectPings(intervalMs: number): () => void {
    const expectation = { ms: intervalMs };
    this.#expected.add(expectation);
    this.#expectationsChanged();
    return () => {
      if (this.#expected.delete(expectation)) this.#expectationsChanged();
    };
  }

  #expectationsChanged(): void {
    if (this.#established) this.#liveness.expect(this.#pingInterval());
  }

  #refusal(message: ClientMessage): RequestError | null {
    if (this.#state === 'stopped') return new RequestError('stopped', 'Signaling has stopped.');
    // Room for `id` and `ack`; a larger frame would cost us the socket.
    if (utf8Length(JSON.stringify(message)) + 100 <= limits.frame_bytes) return null;
    return new RequestError('limit', 'The message is too large.');
  }

  #connect(): void {
    this.#retry.clear();
    this.#away.clear();
    this.#drop();
    const timeout = ATTEMPT_MS + ATTEMPT_STEP_MS * this.#backoff.attempt;
    const id = this.#requests.nextId();
    const events = {
      admitted: this.#admitted,
      greet: (ticket: string) => this.#session.greeting(id, ticket, this.#acks.last),
      frame: (frame: ServerFrame) => this.#frame(frame),
      closed: (end: LineEnd) => this.#lost(end),
    };
    this.#line = new Line(this.#environment, events, Math.min(LONGEST_ATTEMPT_MS, timeout));
  }

  #frame(frame: ServerFrame): void {
    if (!this.#established) return this.#greeted(frame);
    this.#liveness.heard();
    const verdict = frame.seq === undefined ? 'new' : this.#acks.received(frame.seq);
    if (verdict === 'gap') this.#line?.fail('a frame is missing');
    if (verdict !== 'new') return;
    this.#handle(frame);
    this.#acks.settle();
    this.#catchUp();
  }

  #catchUp(): void {
    if (this.#missedTo === null || this.#acks.last < this.#missedTo) return;
    this.#missedTo = null;
    this.#caughtUp.emit();
  }

  #handle(frame: ServerFrame): void {
    // An answer repeated for a request that was sent again tells of a state that has passed.
    if (frame.re !== undefined && !this.#requests.has(frame.re)) return;
    if (frame.t === 'ping') this.#sendFrame({ t: 'pong' });
    this.#messages.get(frame.t)?.emit(frame);
    if (frame.re !== undefined) this.#requests.answer(frame.re, frame);
    if (frame.t === 'go_away') this.#goAway(frame);
  }

  #greeted(frame: ServerFrame): void {
    if (frame.t === 'error') return this.#line?.fail(frame.message, errorCloseCode(frame.code));
    const opening = this.#session.answered(frame);
    if (!opening) return;
    if (opening === 'other') return this.#stop('signed_out');
    if (frame.t === 'welcome' || frame.t === 'reset') {
      this.#pingMs = frame.ping_ms;
      this.#acks.restart();
    }
    this.#missedTo = frame.t === 'resumed' ? frame.up_to : 0;
    this.#line?.established();
    this.#established = true;
    this.#backoff.online(this.#clock.now());
    this.#liveness.start(this.#pingInterval());
    this.#goOn(opening);
    this.#setState('online');
    this.#catchUp();
  }

  #goOn(opening: 'new' | 'resumed' | 'reset'): void {
    if (opening === 'reset') return this.#reset();
    for (const pending of this.#requests.sendable()) this.#transmit(pending);
  }

  #reset(): void {
    const reset = {};
    this.#requests.hold();
    this.#resetting = reset;
    const busy = [...this.#resets].map((listener) => this.#runReset(listener));
    // A join of before that no listener repeats is still wanted, and goes with the rest.
    void Promise.all(busy).then(() => {
      if (this.#resetting !== reset) return;
      this.#resetting = null;
      for (const pending of this.#requests.release()) this.#transmit(pending);
    });
  }

  async #runReset(listener: () => Promise<void>): Promise<void> {
    try {
      await listener();
    } catch (error) {
      this.#log('joining again failed', error);
    }
  }

  #transmit(pending: Pending): void {
    if (!this.#established) return;
    pending.sent = this.#sendFrame({ ...pending.message, id: pending.id }) || pending.sent;
    this.#liveness.answerDue();
  }

  #sendFrame(frame: ClientFrame): boolean {
    const ack = this.#acks.take();
    return this.#line?.send(ack === null ? frame : { ...frame, ack }) ?? false;
  }

  #goAway(order: GoAway): void {
    if (order.action === 'stop') return this.#stop('server_stopped');
    const wait = bounded(order.after_ms) + this.#random() * bounded(order.jitter_ms);
    this.#away.set(wait, () => {
      this.#drop();
      this.#setState('offline');
      this.#connect();
    });
  }

  #lost(end: LineEnd): void {
    this.#drop();
    if (end.refused) return this.#stop('refused');
    if (end.code === closeCodes.BadFrame) return this.#stop('protocol', end.detail);
    if (end.code === closeCodes.Replaced) return this.#stop('replaced');
    if (end.code === closeCodes.SignedOut) return this.#stop('signed_out');
    if (end.code === closeCodes.Unauthorized) this.#session.refused();
    // The server told us when to come back; before that there is nothing to connect to.
    if (!this.#away.running) this.#retryAfter(end.retryAfterMs);
    this.#setState('offline');
  }

  #retryAfter(leastMs: number): void {
    const pause = Math.max(this.#backoff.next(this.#clock.now()), leastMs);
    if (pause === 0) this.#connect();
    else this.#retry.set(pause, () => this.#connect());
  }

  #stop(reason: StopReason, detail?: string): void {
    if (this.#state === 'stopped') return;
    if (reason === 'protocol') this.#log('the server does not understand this client', detail);
    this.#drop();
    this.#retry.clear();
    this.#away.clear();
    this.#resetting = null;
    this.#stopReason = reason;
    this.#requests.fail(new RequestError('stopped', 'Signaling has stopped.'));
    this.#setState('stopped');
  }

  #drop(): void {
    this.#established = false;
    this.#liveness.stop();
    this.#acks.pause();
    this.#line?.close();
    this.#line = null;
  }

  #pingInterval(): number {
    return Math.min(this.#pingMs, ...[...this.#expected].map(({ ms }) => ms));
  }

  #setState(state: SignalingState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#states.emit(state);
  }
}

function environmentOf(options: SignalingOptions): LineEnvironment {
  return {
    origin: options.origin,
    token: options.token ?? null,
    device: options.device,
    clock: options.clock ?? systemClock,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    createSocket: options.createSocket ?? ((url, protocol) => new WebSocket(url, protocol)),
  };
}

/** An error in place of a welcome ends the attempt; only one kind says something of the session. */
function errorCloseCode(code: string): number | null {
  return code === 'unauthorized' ? closeCodes.Unauthorized : null;
}

function bounded(ms: number): number {
  return Math.min(LONGEST_AWAY_MS, Math.max(0, ms));
}
