import { decodeDescription, encodeDescription, type SessionDescription } from './bodies.ts';
import { LocalCandidates, RemoteCandidates, type SendCandidates } from './candidates.ts';
import type { Clock, Log } from './clock.ts';
import type { MediaLines } from './media.ts';
import { askOf, wantOf } from './tuning.ts';

/** The server counts generations in 32 bits; anything else was not made by a client of ours. */
const LAST_GENERATION = 2 ** 32 - 1;
/** Descriptions that may wait for their turn; an honest peer has one or two on the way. */
const LONGEST_QUEUE = 32;

/** What a negotiation works on and speaks through. */
export interface NegotiationOptions {
  pc: RTCPeerConnection;
  lines: MediaLines;
  polite: boolean;
  generation: number;
  clock: Clock;
  log: Log;
  /** Resolves when it has left, as far as that is up to this end. */
  sendDescription(generation: number, body: string): Promise<void>;
  sendCandidates: SendCandidates;
  /** An exchange is complete; `theirs` when the other end had made the offer. */
  settled(theirs: boolean): void;
}

/**
 * Offers, answers and candidates of one connection: perfect negotiation, with generations.
 *
 * Everything that changes descriptions runs one after the other, so `signalingState` alone says
 * whether two offers have crossed. Of crossing offers the newer generation wins, since the server
 * drops the older one; of the same generation, the polite end gives way.
 */
export class Negotiation {
  readonly #options: NegotiationOptions;
  readonly #local: LocalCandidates;
  readonly #remote: RemoteCandidates;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #generation: number;
  /** Generation of our offer that has no answer yet. */
  #offered: number | null = null;
  /** Whether the voice is to be sent twice. */
  #redundancy = false;
  #closed = false;

  constructor(options: NegotiationOptions) {
    this.#options = options;
    this.#generation = options.generation;
    this.#local = new LocalCandidates(options.clock, options.sendCandidates);
    this.#remote = new RemoteCandidates((candidate) => void this.#addCandidate(candidate));
    options.pc.addEventListener('icecandidate', (event) => this.#found(event.candidate));
  }

  /** The newest generation known. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether an offer of ours waits for its answer. */
  get pending(): boolean {
    return this.#offered !== null;
  }

  /** Addresses the other end has at relays. */
  get remoteRelays(): ReadonlySet<string> {
    return this.#remote.relays;
  }

  /** Makes the first offer. */
  offer(): void {
    this.#enqueue('the offer', () => this.#offer(this.#generation));
  }

  /** Restarts ICE in a new generation, `atLeast` this one. */
  restart(atLeast = 0): void {
    // Before the first offer has come, the polite end has nothing to restart and no media lines.
    if (!this.#options.lines.open) return;
    this.#enqueue('the restart', () => {
      this.#options.pc.restartIce();
      return this.#offer(Math.max(this.#generation + 1, atLeast));
    });
  }

  /** A generation is known to begin, and its offer will come from the other end. */
  expect(generation: number): void {
    if (isGeneration(generation)) this.#generation = Math.max(this.#generation, generation);
  }

  /** Takes a description of the other end. */
  description(generation: number, body: unknown): void {
    const description = decodeDescription(body);
    if (!description || !isGeneration(generation)) {
      return this.#options.log('a description is not one', generation);
    }
    this.#enqueue('a description', () => this.#apply(generation, description));
  }

  /** Takes candidates of the other end. */
  candidates(generation: number, bodies: unknown, end: boolean): void {
    if (this.#closed || !Array.isArray(bodies) || !isGeneration(generation)) return;
    this.#remote.received(generation, bodies, end);
  }

  /**
   * Sends the voice twice from now on, or once. Said to this browser alone, with what the other end has described
   * before: that one takes both at any time.
   */
  repeat(redundancy: boolean): void {
    if (this.#redundancy === redundancy) return;
    this.#redundancy = redundancy;
    this.#enqueue('the description', () => this.#describeAgain());
  }

  /** Sends and takes nothing any more. */
  close(): void {
    this.#closed = true;
    this.#local.stop();
  }

  async #offer(generation: number): Promise<void> {
    this.#generation = generation;
    this.#offered = generation;
    const described = await this.#describe(generation);
    // It may have to wait for the other end, and nothing here waits with it.
    if (described !== null) void this.#options.sendDescription(generation, described);
  }

  async #apply(generation: number, description: SessionDescription): Promise<void> {
    if (description.type === 'answer') return this.#applyAnswer(generation, description);
    if (generation < this.#generation || this.#prevails(generation)) return;
    await this.#applyOffer(generation, description);
  }

  async #applyAnswer(generation: number, description: SessionDescription): Promise<void> {
    const { pc, settled } = this.#options;
    if (pc.signalingState !== 'have-local-offer' || generation !== this.#offered) return;
    await this.#setRemote(description);
    this.#offered = null;
    this.#remote.described(generation, description.sdp);
    settled(false);
  }

  async #applyOffer(generation: number, description: SessionDescription): Promise<void> {
    const { pc, lines, sendDescription, settled } = this.#options;
    const given = pc.signalingState === 'have-local-offer' ? pc.localDescription?.sdp : undefined;
    await this.#setRemote(description);
    if (given !== undefined) this.#local.givenUp(given);
    this.#offered = null;
    this.#generation = Math.max(this.#generation, generation);
    lines.adopt();
    const described = await this.#describe(generation);
    // Their candidates are of use to them once they have the answer: it goes first.
    if (described !== null) await sendDescription(generation, described);
    lines.tune();
    this.#remote.described(generation, description.sdp);
    settled(true);
  }

  async #setRemote({ type, sdp }: SessionDescription): Promise<void> {
    await this.#options.pc.setRemoteDescription({ type, sdp: wantOf(sdp, this.#redundancy) });
  }

  async #describeAgain(): Promise<void> {
    const { pc } = this.#options;
    // While an offer of ours is on its way, its answer will be taken as it is wanted now.
    if (pc.signalingState !== 'stable' || !pc.remoteDescription) return;
    const { type, sdp } = pc.remoteDescription;
    if (sdp === wantOf(sdp, this.#redundancy) || (type !== 'offer' && type !== 'answer')) return;
    try {
      if (type === 'answer') await pc.setLocalDescription();
      await this.#setRemote({ type, sdp });
      if (type === 'offer') await pc.setLocalDescription();
    } catch (error) {
      this.#options.log('the voice is sent as before', error);
      await takeBack(pc);
    }
  }

  /** Whether an offer of ours stands against one of this generation. */
  #prevails(generation: number): boolean {
    if (this.#options.pc.signalingState !== 'have-local-offer' || this.#offered === null) return false;
    return !this.#options.polite && generation <= this.#offered;
  }

  /** Makes the description that is due, as it is to be sent. */
  async #describe(generation: number): Promise<string | null> {
    const { pc } = this.#options;
    this.#local.begin(generation);
    await pc.setLocalDescription();
    if (!pc.localDescription) return null;
    const { type, sdp } = pc.localDescription;
    this.#local.described(sdp);
    return encodeDescription({ type, sdp: askOf(sdp) });
  }

  #found(candidate: RTCIceCandidate | null): void {
    // The end of an earlier gathering may be reported when the next one has begun.
    const early = candidate === null && this.#options.pc.iceGatheringState !== 'complete';
    if (!this.#closed && !early) this.#local.found(candidate);
  }

  async #addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#options.pc.addIceCandidate(candidate);
    } catch {
      // Of an offer that gave way, or nonsense: either way the connection does without it.
    }
  }

  #enqueue(what: string, step: () => Promise<void>): void {
    if (this.#closed || this.#queued >= LONGEST_QUEUE) return;
    this.#queued += 1;
    this.#queue = this.#queue.then(async () => {
      this.#queued -= 1;
      try {
        if (!this.#closed) await step();
      } catch (error) {
        if (!this.#closed) this.#options.log(`${what} could not be applied`, error);
      }
    });
  }
}

function isGeneration(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LAST_GENERATION;
}

/** Leaves the descriptions as they were before the half of an exchange. */
async function takeBack(pc: RTCPeerConnection): Promise<void> {
  if (pc.signalingState === 'have-local-offer') await pc.setLocalDescription({ type: 'rollback' });
  if (pc.signalingState === 'have-remote-offer') await pc.setRemoteDescription({ type: 'rollback' });
}
