/** Microphone or camera. */
export type Kind = 'audio' | 'video';

/** What we have to send; null where there is no device or it is not allowed. */
export interface Tracks {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
}

/** How peer connections and streams are made; a test brings its own. */
export interface MediaFactory {
  createPeerConnection(config: RTCConfiguration): RTCPeerConnection;
  createStream(): MediaStream;
}

/** The order of the media sections. */
export const KINDS: readonly Kind[] = ['audio', 'video'];

/**
 * The two media lines of a peer connection and what is sent on them.
 *
 * Both lines are always `sendrecv`, also without a device: one who only listens gets everything,
 * and a track that comes later needs neither a new line nor a negotiation.
 */
export class MediaLines {
  readonly #pc: RTCPeerConnection;
  /** Both tracks name this stream, which is what makes the other end play them in step. */
  readonly #stream: MediaStream;
  readonly #tracks: Tracks;
  readonly #senders: Record<Kind, RTCRtpSender | null> = { audio: null, video: null };

  constructor(pc: RTCPeerConnection, stream: MediaStream, tracks: Tracks) {
    this.#pc = pc;
    this.#stream = stream;
    this.#tracks = { ...tracks };
  }

  /** Whether the lines exist already. */
  get open(): boolean {
    return this.#senders.audio !== null || this.#senders.video !== null;
  }

  /** Makes the lines: done by the end that makes the first offer. */
  create(): void {
    for (const kind of KINDS) {
      const init: RTCRtpTransceiverInit = { direction: 'sendrecv', streams: [this.#stream] };
      this.#senders[kind] = this.#pc.addTransceiver(this.#tracks[kind] ?? kind, init).sender;
    }
  }

  /** Takes the lines of an offer: done by the other end, before it answers. */
  adopt(): void {
    for (const kind of KINDS) this.#senders[kind] ??= this.#adopt(kind);
  }

  /** Sends another track from now on, or none. */
  async replace(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    this.#tracks[kind] = track;
    await this.#senders[kind]?.replaceTrack(track);
  }

  #adopt(kind: Kind): RTCRtpSender | null {
    const line = this.#pc
      .getTransceivers()
      .find((each) => each.receiver.track.kind === kind && each.direction !== 'stopped');
    if (!line) return null;
    const track = this.#tracks[kind];
    // addTrack takes the unused line of the kind; unlike replaceTrack it names the stream everywhere.
    if (track) return this.#pc.addTrack(track, this.#stream);
    line.direction = 'sendrecv';
    line.sender.setStreams?.(this.#stream);
    return line.sender;
  }
}

/** A peer connection made before it is needed. */
export class Prepared {
  readonly pc: RTCPeerConnection;
  readonly lines: MediaLines;

  constructor(factory: MediaFactory, tracks: Tracks) {
    this.pc = factory.createPeerConnection(configuration([], false));
    this.lines = new MediaLines(this.pc, factory.createStream(), tracks);
  }

  /**
   * We are going to make the first offer: makes the media lines, and an offer that nobody uses.
   * It takes the certificate and the codecs out of the way of the real one.
   */
  warm(): void {
    if (this.lines.open) return;
    this.lines.create();
    this.pc.createOffer().catch(() => {});
  }

  /** Not needed after all. */
  close(): void {
    this.pc.close();
  }
}

/** The configuration with these servers. Only what is in the parameters may change later on. */
export function configuration(servers: RTCIceServer[], relayOnly: boolean): RTCConfiguration {
  return {
    iceServers: servers,
    iceTransportPolicy: relayOnly ? 'relay' : 'all',
    bundlePolicy: 'max-bundle',
    rtcpMuxPolicy: 'require',
  };
}
