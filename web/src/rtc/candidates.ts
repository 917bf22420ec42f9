import { decodeCandidate } from './bodies.ts';
import { Timer, type Clock } from './clock.ts';
import { limits } from './protocol.gen.ts';

/** How long candidates wait for company. The first of a generation never waits. */
const BATCH_MS = 8;
/** Generations whose candidates may wait for their description at a time. */
const EARLY_GENERATIONS = 4;

/** Sends one batch. */
export type SendCandidates = (generation: number, candidates: string[], end: boolean) => void;

/** Our own candidates on their way out: few messages, and the first at once. */
export class LocalCandidates {
  readonly #timer: Timer;
  readonly #send: SendCandidates;
  /** Which generation a user fragment was made for; null when its offer was given up. */
  readonly #owners = new Map<string, number | null>();
  #generation = 0;
  #sent = 0;
  #batch: string[] = [];

  constructor(clock: Clock, send: SendCandidates) {
    this.#timer = new Timer(clock);
    this.#send = send;
  }

  /** The description that gathering is about to begin for. */
  begin(generation: number): void {
    if (generation === this.#generation) return;
    this.#flush(false);
    this.#generation = generation;
    this.#sent = 0;
  }

  /** The local description of the present generation, once it is set. */
  described(sdp: string): void {
    for (const ufrag of ufrags(sdp)) this.#owners.set(ufrag, this.#generation);
  }

  /** The offer with this description gave way to another. */
  givenUp(sdp: string): void {
    for (const ufrag of ufrags(sdp)) this.#owners.set(ufrag, null);
    this.#batch = [];
    this.#timer.clear();
    this.#sent = 0;
  }

  /** A candidate was found; null at the end. */
  found(candidate: RTCIceCandidate | null): void {
    if (candidate === null) return this.#flush(true);
    if (candidate.candidate === '' || !this.#belongs(candidate)) return;
    // RTCP comes by the way of RTP. Firefox looks for one of its own all the same, until the answer.
    if (candidate.component === 'rtcp') return;
    if (this.#sent + this.#batch.length >= limits.candidates) return;
    this.#batch.push(JSON.stringify(candidate.toJSON()));
    if (this.#timer.running) return;
    // Now, together with whatever is found in this very turn; then a pause before the next batch.
    if (this.#sent === 0) queueMicrotask(() => this.#flush(false));
    this.#timer.set(BATCH_MS, () => this.#flush(false));
  }

  /** Sends no more. */
  stop(): void {
    this.#timer.clear();
    this.#batch = [];
  }

  #belongs(candidate: RTCIceCandidate): boolean {
    const ufrag = candidate.usernameFragment;
    // Browsers that do not say, and fragments not registered yet, belong to what was begun last.
    const owner = ufrag ? this.#owners.get(ufrag) : undefined;
    return owner === undefined || owner === this.#generation;
  }

  #flush(end: boolean): void {
    const candidates = this.#batch;
    if (candidates.length === 0 && !end) return;
    this.#timer.clear();
    this.#batch = [];
    this.#sent += candidates.length;
    this.#send(this.#generation, candidates, end);
  }
}

/** Candidates of the other end: those that come before their description are kept for it. */
export class RemoteCandidates {
  readonly #add: (candidate: RTCIceCandidateInit | null) => void;
  readonly #early = new Map<number, (RTCIceCandidateInit | null)[]>();
  readonly #counts = new Map<number, number>();
  readonly #relays = new Set<string>();
  #ready: number | null = null;

  /** `add` gives one candidate to the peer connection, or the end of them. */
  constructor(add: (candidate: RTCIceCandidateInit | null) => void) {
    this.#add = add;
  }

  /** Addresses (`address:port`) the other end has at relays, as far as it told. */
  get relays(): ReadonlySet<string> {
    return this.#relays;
  }

  /** Takes a batch. */
  received(generation: number, bodies: readonly unknown[], end: boolean): void {
    if (this.#ready !== null && generation < this.#ready) return;
    const candidates = bodies.slice(0, limits.candidates).map(decodeCandidate);
    for (const candidate of candidates) if (candidate) this.#take(generation, candidate);
    if (end) this.#pass(generation, null);
  }

  /** The remote description of this generation is set. */
  described(generation: number, sdp: string): void {
    for (const line of sdp.split(/\r?\n/, 2_000)) {
      if (line.startsWith('a=candidate:')) this.#noteRelay(line.slice(2));
    }
    this.#ready = generation;
    const early = this.#early.get(generation) ?? [];
    for (const known of [...this.#early.keys()]) if (known <= generation) this.#forget(known);
    for (const candidate of early) this.#add(candidate);
  }

  #take(generation: number, candidate: RTCIceCandidateInit): void {
    const count = this.#counts.get(generation) ?? 0;
    if (count >= limits.candidates) return;
    this.#counts.set(generation, count + 1);
    this.#noteRelay(candidate.candidate ?? '');
    this.#pass(generation, candidate);
  }

  #pass(generation: number, candidate: RTCIceCandidateInit | null): void {
    if (generation === this.#ready) return this.#add(candidate);
    const early = this.#early.get(generation) ?? [];
    if (early.length <= limits.candidates) early.push(candidate);
    this.#early.set(generation, early);
    if (this.#early.size > EARLY_GENERATIONS) this.#forget(Math.min(...this.#early.keys()));
  }

  #forget(generation: number): void {
    this.#early.delete(generation);
    if (generation !== this.#ready) this.#counts.delete(generation);
  }

  #noteRelay(candidate: string): void {
    const address = relayAddress(candidate);
    if (address && this.#relays.size < 4 * limits.candidates) this.#relays.add(address);
  }
}

/** `address:port` of a candidate line that names a relayed address (RFC 8839, section 5.1). */
export function relayAddress(candidate: string): string | null {
  const parts = candidate.split(' ', 8);
  const relayed = parts[6] === 'typ' && parts[7] === 'relay';
  return relayed && parts[4] && parts[5] ? `${parts[4]}:${parts[5]}` : null;
}

function ufrags(sdp: string): Set<string> {
  return new Set([...sdp.matchAll(/^a=ice-ufrag:(\S+)/gm)].map((match) => match[1] ?? ''));
}
