// The check as it goes on: what is done now, and what has been found.
import { findingsOf, type Finding, type Surroundings, type Words } from '../check/findings.ts';
import { NOTHING_YET, type Facts, type ServerFact } from '../check/facts.ts';
import { measureBest, placesOf, tryAll } from '../check/probes/relay.ts';
import { socketAnswers } from '../check/probes/socket.ts';
import { askStun } from '../check/probes/stun.ts';
import { verdictOf, type Verdict } from '../check/verdict.ts';
import type { ApiClient } from './api.ts';
import type { Cause, Kind } from './deviceProblem.ts';
import type { OwnMedia } from './ownMedia.svelte.ts';

/** In this order. */
export type Step = 'devices' | 'server' | 'ways' | 'line';

interface Needs {
  api: ApiClient;
  own: OwnMedia;
  where: Surroundings;
}

export class Check {
  step: Step | null = $state(null);
  facts: Facts = $state.raw(NOTHING_YET);
  /** When it was done; null before. */
  doneAt: Date | null = $state.raw(null);
  readonly #needs: Needs;
  readonly findings: Finding[] = $derived.by(() => findingsOf(this.facts, this.#needs.where));
  readonly verdict: Verdict | null = $derived.by(() => (this.doneAt ? verdictOf(this.facts, this.#needs.where) : null));
  #abort = new AbortController();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  get running(): boolean {
    return this.step !== null;
  }

  /** From a click: it opens camera and microphone. */
  async run(): Promise<void> {
    if (this.running) return;
    const { signal } = (this.#abort = new AbortController());
    this.doneAt = null;
    this.facts = { ...NOTHING_YET, speaker: this.facts.speaker, webrtc: 'RTCPeerConnection' in globalThis, secure: isSecureContext };
    if (this.facts.webrtc && this.facts.secure) await this.#look(signal);
    if (signal.aborted) return;
    this.step = null;
    this.doneAt = new Date();
  }

  /** The page is left: nothing goes on. */
  stop(): void {
    this.#abort.abort();
    this.step = null;
  }

  /** What the person says about the test sound. */
  heard(speaker: boolean): void {
    this.#learn({ speaker });
  }

  async #look(signal: AbortSignal): Promise<void> {
    await this.#devices();
    if (signal.aborted) return;
    const servers = await this.#server(signal);
    if (!servers || signal.aborted) return;
    await this.#network(servers, signal);
  }

  async #devices(): Promise<void> {
    const { own } = this.#needs;
    this.step = 'devices';
    own.wanted = { audio: true, video: true };
    await own.open();
    const fact = (kind: Kind): 'works' | Cause => (own.tracks[kind] ? 'works' : (own.causeOf(kind) ?? 'unknown'));
    this.#learn({ microphone: fact('audio'), camera: fact('video') });
  }

  async #server(signal: AbortSignal): Promise<readonly RTCIceServer[] | null> {
    this.step = 'server';
    const [access, socket] = await Promise.all([this.#needs.api.check(), socketAnswers(location.origin, signal)]);
    if (access.ok) {
      this.#learn({ server: { answer: 'yes' }, socket });
      return access.value.ice_servers;
    }
    const { status, retryAfterMs } = access.error;
    const refused: ServerFact =
      status === 0 ? { answer: 'offline' } : status === 429 ? { answer: 'limit', waitMs: retryAfterMs } : { answer: 'refused', status };
    this.#learn({ server: refused, socket: status === 0 ? null : socket });
    return null;
  }

  async #network(servers: readonly RTCIceServer[], signal: AbortSignal): Promise<void> {
    this.step = 'ways';
    const places = placesOf(servers, 'stun').map(({ place }) => place);
    const [stun, tried] = await Promise.all([askStun(places, signal), tryAll(servers, signal)]);
    this.#learn({ stun, ways: tried.ways });
    this.step = 'line';
    this.#learn({ line: await measureBest(tried, signal) });
  }

  #learn(facts: Partial<Facts>): void {
    this.facts = { ...this.facts, ...facts };
  }
}

export type { Finding, Verdict, Words };
