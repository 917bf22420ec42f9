import { Timer, type Clock } from './clock.ts';
import { statsOf, type Stat } from './path.ts';
import { BEAT_MS, Pulse } from './pulse.ts';

/** Both ends make the channel by themselves, so it needs no negotiation and is open with the transport. */
const CHANNEL: RTCDataChannelInit = { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 };
const BEAT = new Uint8Array(1);

/** What a {@link Heartbeat} needs. */
export interface HeartbeatOptions {
  pc: RTCPeerConnection;
  clock: Clock;
  /** The other end has fallen silent, or can be heard again. */
  changed(): void;
  /** It may be about to: said once, until it is heard again. */
  faltering(): void;
}

/**
 * Signs of life between the two ends of a connection, beside the media: who is muted or on hold
 * sends none, and a browser itself takes five seconds or more to notice that a path is gone.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #timer: Timer;
  readonly #pulse = new Pulse();
  #channel: RTCDataChannel | null = null;
  #sentAt = 0;
  #silent = false;
  #faltering = false;
  #looking = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#timer = new Timer(options.clock);
  }

  /** Whether the other end has fallen silent. */
  get silent(): boolean {
    return this.#silent;
  }

  /** Makes the channel: before the first description, so that it is part of that. */
  open(): void {
    const channel = this.#options.pc.createDataChannel('heartbeat', CHANNEL);
    this.#channel = channel;
    channel.addEventListener('open', () => this.#tick());
    channel.addEventListener('message', () => this.#heard());
  }

  /** Beats and judges no more. */
  close(): void {
    this.#timer.clear();
    this.#channel = null;
  }

  #tick(): void {
    if (!this.#channel) return;
    const now = this.#options.clock.now();
    this.#pulse.tick(now);
    this.#send(now);
    if (this.#pulse.doubtful) void this.#look();
    this.#judge();
    this.#timer.set(BEAT_MS, () => this.#tick());
  }

  #heard(): void {
    const now = this.#options.clock.now();
    this.#pulse.beat(now);
    // Our timer is late, as in a hidden page. What comes from the network is not held back there.
    if (now - this.#sentAt > 1.5 * BEAT_MS) this.#send(now);
    this.#judge();
  }

  #send(now: number): void {
    const channel = this.#channel;
    // A beat that has to wait is none.
    if (channel?.readyState !== 'open' || channel.bufferedAmount > 0) return;
    this.#sentAt = now;
    channel.send(BEAT);
  }

  /** Without beats, media that arrives is a sign of life as well. */
  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const report = await this.#options.pc.getStats().catch(() => null);
    this.#looking = false;
    if (!this.#channel || !report) return;
    this.#pulse.arrived(arrivals(statsOf(report)), this.#options.clock.now());
    this.#judge();
  }

  #judge(): void {
    if (!this.#channel) return;
    const { silent, faltering } = this.#pulse;
    const [fell, faltered] = [silent !== this.#silent, faltering && !this.#faltering];
    this.#silent = silent;
    this.#faltering = faltering;
    if (faltered) this.#options.faltering();
    if (fell) this.#options.changed();
  }
}

/** What has come from the other end: bytes of everything where the browser counts them, packets of media anyway. */
export function arrivals(stats: ReadonlyMap<string, Stat>): number {
  const counters: Record<string, string> = { 'candidate-pair': 'bytesReceived', 'inbound-rtp': 'packetsReceived' };
  let total = 0;
  for (const stat of stats.values()) {
    const count = stat[counters[stat.type] ?? ''];
    if (typeof count === 'number') total += count;
  }
  return total;
}
