import { Timer, type Clock, type Log } from './clock.ts';
import { openAside } from './aside/aside.ts';
import type { SendCandidates } from './candidates.ts';
import { Economy } from './economy.ts';
import { Heartbeat } from './heartbeat.ts';
import { configuration, sourceOf, type LineName, type Prepared } from './media.ts';
import { Negotiation } from './negotiation.ts';
import { goesByStream, pathOf, statsOf, type Stat } from './path.ts';
import type {
  AnnouncedConnection,
  ConnectionOpened,
  ConnectionState,
  Path,
  RelayTerms,
} from './protocol.gen.ts';
import { Restarts } from './restarts.ts';
import { LOST, outlookOf, QualityMeter, SAMPLE_MS, type Quality } from './stats.ts';

/** The way is known some moments after the connection is up; the report of it should not be late. */
const PATH_RETRY_MS = 200;

/** What a connection says to the server and to its owner. */
export interface ConnectionSignals {
  /** Whether the server can be reached now. */
  ready(): boolean;
  description(generation: number, body: string): Promise<void>;
  candidates: SendCandidates;
  state(generation: number, state: ConnectionState, path: Path | null): void;
  /** The channel for files and reactions; and when it is over. */
  aside(channel: RTCDataChannel): void;
  asideOver(channel: RTCDataChannel): void;
  /** Nothing comes from the peer any more. The way to the server may be gone as well. */
  lost(): void;
  /** Something that can be seen from outside has changed. */
  changed(): void;
}

/** What a {@link Connection} needs. */
export interface ConnectionOptions {
  opened: ConnectionOpened;
  prepared: Prepared;
  createStream(): MediaStream;
  signals: ConnectionSignals;
  clock: Clock;
  log: Log;
}

/** One peer connection to one peer. */
export class Connection {
  readonly id: string;
  readonly peer: string;
  readonly polite: boolean;
  readonly #options: ConnectionOptions;
  readonly #pc: RTCPeerConnection;
  readonly #negotiation: Negotiation;
  readonly #restarts: Restarts;
  readonly #heartbeat: Heartbeat;
  readonly #meter = new QualityMeter();
  readonly #economy = new Economy();
  readonly #sampler: Timer;
  readonly #stream: MediaStream;
  readonly #screen: MediaStream;
  #aside: RTCDataChannel | null = null;
  #servers: RTCIceServer[];
  #relayOnly: boolean;
  #silent = false;
  #wasUp = false;
  #state: ConnectionState = 'connecting';
  #path: Path | null = null;
  #quality: Quality | null = null;
  #reported: number | null = null;
  #closed = false;

  constructor(options: ConnectionOptions) {
    const { opened, prepared, signals, clock, log } = options;
    this.id = opened.connection;
    this.peer = opened.peer;
    this.polite = opened.polite;
    this.#options = options;
    this.#pc = prepared.pc;
    this.#servers = opened.relay.ice_servers;
    this.#relayOnly = opened.relay_only;
    this.#stream = options.createStream();
    this.#screen = options.createStream();
    this.#sampler = new Timer(clock);
    this.#restarts = new Restarts(clock, opened.polite, () => this.#restart());
    this.#heartbeat = new Heartbeat({
      pc: prepared.pc,
      clock,
      changed: () => this.#changed(),
      faltering: () => this.#restarts.faltering(),
    });
    this.#negotiation = new Negotiation({
      pc: prepared.pc,
      lines: prepared.lines,
      polite: opened.polite,
      generation: opened.generation,
      clock,
      log,
      sendDescription: (generation, body) => signals.description(generation, body),
      sendCandidates: (generation, candidates, end) => signals.candidates(generation, candidates, end),
      settled: (theirs) => this.#settled(theirs),
    });
    this.#pc.addEventListener('track', (event) => this.#track(event.track));
    this.#pc.addEventListener('connectionstatechange', () => this.#changed());
  }

  /** How the connection is. */
  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether it was up at any time. */
  get wasUp(): boolean {
    return this.#wasUp;
  }

  /** How the media travels, once it is known. */
  get path(): Path | null {
    return this.#path;
  }

  /** The newest figures, once there are some. */
  get quality(): Quality | null {
    return this.#quality;
  }

  /** Whether the way out is too narrow for a picture beside the sound, so that none is sent. */
  get soundAlone(): boolean {
    return !this.#economy.spending.pictures;
  }

  /** What comes from the peer; null until its first track is known. */
  get stream(): MediaStream | null {
    return this.#stream.getTracks().length > 0 ? this.#stream : null;
  }

  /** The lines for the peer's screen; null until they are known. Whether it shows one is told beside. */
  get screen(): MediaStream | null {
    return this.#screen.getTracks().length > 0 ? this.#screen : null;
  }

  /** Takes the servers, and makes the first offer if it is ours to make. */
  start(): void {
    const { lines } = this.#options.prepared;
    this.#configure();
    if (!this.polite && !lines.open) lines.create();
    this.#heartbeat.open();
    this.#aside = openAside(this.#pc);
    this.#options.signals.aside(this.#aside);
    if (!this.polite) this.#negotiation.offer();
  }

  /** Sends another track from now on, or none. */
  setTrack(name: LineName, track: MediaStreamTrack | null): Promise<void> {
    return this.#options.prepared.lines.replace(name, track);
  }

  /** Plays nothing of what comes, or plays it again. */
  setSilent(silent: boolean): void {
    this.#silent = silent;
    for (const stream of [this.#stream, this.#screen]) {
      for (const track of stream.getTracks()) track.enabled = !silent;
    }
  }

  /** New credentials; they serve from the next ICE restart on. */
  setRelay(relay: RelayTerms): void {
    this.#servers = relay.ice_servers;
    this.#configure();
  }

  /** Takes a description of the other end. */
  description(generation: number, body: unknown): void {
    this.#negotiation.description(generation, body);
  }

  /** Takes candidates of the other end. */
  candidates(generation: number, bodies: unknown, end: boolean): void {
    this.#negotiation.candidates(generation, bodies, end);
  }

  /** The server knows this generation. */
  known(generation: number): void {
    this.#negotiation.expect(generation);
  }

  /** Tries again through the relay alone, in this generation. */
  relayOnly(generation: number): void {
    this.#relayOnly = true;
    this.#configure();
    this.#restarts.answered();
    if (this.polite) this.#negotiation.expect(generation);
    else this.#negotiation.restart(generation);
  }

  /** The server was restarted, and the peer is back: makes good what may have got lost. */
  recover(): void {
    if (this.#negotiation.pending) {
      this.#restarts.answered();
      this.#negotiation.restart();
    } else if (this.#state !== 'connected') {
      this.#restarts.up();
      this.#restarts.down();
    } else if (this.#path === 'relay' && !this.polite) {
      // The relay is part of the server, and has forgotten what it relayed.
      this.#restarts.networkChanged();
    }
  }

  /** The server can be reached again. */
  reachable(): void {
    this.#restarts.reachable();
  }

  /** The network has changed under us. The old path is used for as long as it works. */
  networkChanged(): void {
    this.#economy.moved();
    if (this.#state !== 'connecting') this.#restarts.networkChanged();
  }

  /** How the connection is announced to a server that has forgotten it. */
  announcement(peerName: string): AnnouncedConnection {
    return {
      connection: this.id,
      generation: this.#negotiation.generation,
      peer: this.peer,
      peer_name: peerName,
      polite: this.polite,
      state: this.#state,
    };
  }

  /** Ends the connection. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sampler.clear();
    this.#restarts.stop();
    this.#heartbeat.close();
    // A closed peer connection says nothing of its channels.
    if (this.#aside) this.#options.signals.asideOver(this.#aside);
    this.#negotiation.close();
    this.#pc.close();
  }

  #configure(): void {
    try {
      this.#pc.setConfiguration(configuration(this.#servers, this.#relayOnly));
    } catch (error) {
      this.#options.log('the relay servers could not be set', error);
    }
  }

  #restart(): boolean {
    const ready = this.#options.signals.ready();
    if (ready) this.#negotiation.restart();
    return ready;
  }

  #track(track: MediaStreamTrack): void {
    const source = sourceOf(this.#pc, track);
    // More lines than we know are not shown.
    if (this.#closed || source === null) return;
    const stream = source === 'screen' ? this.#screen : this.#stream;
    if (stream.getTracks().includes(track)) return;
    track.enabled = !this.#silent;
    stream.addTrack(track);
    this.#options.signals.changed();
  }

  #changed(): void {
    if (this.#closed) return;
    const { connectionState } = this.#pc;
    const { silent } = this.#heartbeat;
    if (connectionState === 'connected' && !silent) this.#up();
    if (connectionState === 'failed' || silent) this.#down();
    if (connectionState === 'disconnected' && this.#state !== 'connecting') this.#down();
  }

  #up(): void {
    if (this.#state === 'connected') return;
    this.#restarts.up();
    this.#state = 'connected';
    this.#wasUp = true;
    this.#quality = null;
    this.#options.signals.changed();
    void this.#measure(true);
  }

  #down(): void {
    this.#restarts.down();
    if (this.#state !== 'connected') return;
    this.#state = 'reconnecting';
    this.#quality = LOST;
    this.#sampler.clear();
    this.#report();
    this.#options.signals.lost();
    this.#options.signals.changed();
  }

  #settled(theirs: boolean): void {
    if (theirs) this.#restarts.answered();
    // A report of the generation before may have been dropped as too old on its way.
    const late = this.#reported !== this.#negotiation.generation;
    if (late && this.#state !== 'connecting') this.#report();
  }

  async #measure(fresh: boolean): Promise<void> {
    const report = await this.#pc.getStats().catch(() => null);
    if (this.#closed || this.#state !== 'connected') return;
    const stats = report ? statsOf(report) : new Map<string, never>();
    const path = pathOf(stats, this.#negotiation.remoteRelays) ?? this.#path;
    const moved = path !== this.#path;
    this.#path = path;
    this.#quality = this.#meter.sample(stats);
    this.#spend(stats);
    if (goesByStream(stats)) this.#restarts.poorPath();
    if (fresh || moved) this.#report();
    this.#options.signals.changed();
    const pause = path === null ? PATH_RETRY_MS : SAMPLE_MS;
    this.#sampler.set(pause, () => void this.#measure(false));
  }

  /** Sends what fits. */
  #spend(stats: ReadonlyMap<string, Stat>): void {
    const { lines } = this.#options.prepared;
    const before = this.#economy.spending;
    const outlook = { at: this.#options.clock.now(), pictures: lines.pictures, ...outlookOf(stats) };
    const spending = this.#economy.look(outlook);
    if (spending === before) return;
    lines.show(spending.pictures);
    this.#negotiation.repeat(spending.redundancy);
  }

  #report(): void {
    this.#reported = this.#negotiation.generation;
    const path = this.#state === 'connected' ? this.#path : null;
    this.#options.signals.state(this.#negotiation.generation, this.#state, path);
  }
}
