import { parametersOf } from './tuning.ts';

/** Microphone or camera. */
export type Kind = 'audio' | 'video';

/** What is sent apart from the others: microphone, camera, a screen and its sound. */
export type LineName = Kind | 'screen' | 'screenSound';

/** What we have to send; null where there is no device or it is not allowed. */
export interface Tracks extends Partial<Record<LineName, MediaStreamTrack | null>> {
  audio: MediaStreamTrack | null;
  video: MediaStreamTrack | null;
}

/** A screen that is shown; its sound is missing where the browser or the person gives none. */
export interface Screen {
  video: MediaStreamTrack;
  audio: MediaStreamTrack | null;
}

/** How peer connections and streams are made; a test brings its own. */
export interface MediaFactory {
  createPeerConnection(config: RTCConfiguration): RTCPeerConnection;
  createStream(): MediaStream;
}

/** The media sections in their order. Of each kind the first is the device's, the second the screen's. */
export const LINES: readonly { name: LineName; kind: Kind; screen: boolean }[] = [
  { name: 'audio', kind: 'audio', screen: false },
  { name: 'video', kind: 'video', screen: false },
  { name: 'screen', kind: 'video', screen: true },
  { name: 'screenSound', kind: 'audio', screen: true },
];

/**
 * The media lines of a peer connection and what is sent on them.
 *
 * All lines are always `sendrecv`, also without a device: one who only listens gets everything,
 * and a track that comes later needs neither a new line nor a negotiation.
 */
export class MediaLines {
  readonly #pc: RTCPeerConnection;
  /** Tracks that name the same stream are played in step at the other end. */
  readonly #device: MediaStream;
  readonly #screen: MediaStream;
  readonly #tracks: Tracks;
  readonly #senders: Partial<Record<LineName, RTCRtpSender | null>> = {};
  #showing = true;
  #tuning: Promise<void> = Promise.resolve();

  constructor(pc: RTCPeerConnection, createStream: () => MediaStream, tracks: Tracks) {
    this.#pc = pc;
    this.#device = createStream();
    this.#screen = createStream();
    this.#tracks = { ...tracks };
  }

  /** Whether the lines exist already. */
  get open(): boolean {
    return Boolean(this.#senders.audio ?? this.#senders.video);
  }

  /** Makes the lines: done by the end that makes the first offer. */
  create(): void {
    for (const { name, kind, screen } of LINES) {
      const init: RTCRtpTransceiverInit = { direction: 'sendrecv', streams: [screen ? this.#screen : this.#device] };
      this.#senders[name] = this.#pc.addTransceiver(this.#tracks[name] ?? kind, init).sender;
    }
    this.tune();
  }

  /** Takes the lines of an offer: done by the other end, before it answers. */
  adopt(): void {
    for (const { name, kind, screen } of LINES) {
      this.#senders[name] ??= screen ? this.#adoptScreen(name, kind) : this.#adopt(name, kind);
    }
  }

  /** Whether there is a picture to send. */
  get pictures(): boolean {
    return Boolean(this.#tracks.video ?? this.#tracks.screen);
  }

  /** Sends pictures from now on, or keeps them back. */
  show(pictures: boolean): void {
    if (this.#showing === pictures) return;
    this.#showing = pictures;
    this.tune();
  }

  /** Says what matters on all lines; those of an offer can be told when it is answered. */
  tune(): void {
    // A sender takes one wish after the other.
    this.#tuning = this.#tuning.then(async () => {
      for (const { name } of LINES) await tune(name, this.#senders[name] ?? null, this.#showing);
    });
  }

  /** Sends another track from now on, or none. */
  async replace(name: LineName, track: MediaStreamTrack | null): Promise<void> {
    this.#tracks[name] = track;
    await this.#senders[name]?.replaceTrack(track);
  }

  #adopt(name: LineName, kind: Kind): RTCRtpSender | null {
    const line = linesOf(this.#pc, kind)[0];
    if (!line) return null;
    const track = this.#tracks[name];
    // addTrack takes the first unused line of the kind; unlike replaceTrack it names the stream everywhere.
    if (track) return this.#pc.addTrack(track, this.#device);
    return this.#answerOn(line, this.#device);
  }

  #adoptScreen(name: LineName, kind: Kind): RTCRtpSender | null {
    const line = linesOf(this.#pc, kind)[1];
    if (!line) return null;
    const sender = this.#answerOn(line, this.#screen);
    const track = this.#tracks[name];
    // On a line that nothing was sent on yet, it is never refused.
    if (track) void sender.replaceTrack(track);
    return sender;
  }

  #answerOn(line: RTCRtpTransceiver, stream: MediaStream): RTCRtpSender {
    line.direction = 'sendrecv';
    line.sender.setStreams?.(stream);
    return line.sender;
  }
}

/** A browser that does not know of it, or has closed the line, goes its own way. */
async function tune(name: LineName, sender: RTCRtpSender | null, pictures: boolean): Promise<void> {
  try {
    await sender?.setParameters(parametersOf(name, sender.getParameters(), pictures));
  } catch {
    // Nothing is lost but the wish.
  }
}

/** What a track that comes is of: the peer's devices, their screen, or (null) nothing we know. */
export function sourceOf(pc: RTCPeerConnection, track: MediaStreamTrack): 'device' | 'screen' | null {
  const place = linesOf(pc, track.kind).findIndex((line) => line.receiver.track === track);
  return place === 0 ? 'device' : place === 1 ? 'screen' : null;
}

/** The living lines of a kind, in their order. */
function linesOf(pc: RTCPeerConnection, kind: string): RTCRtpTransceiver[] {
  return pc.getTransceivers().filter((each) => each.receiver.track.kind === kind && each.direction !== 'stopped');
}

/** A peer connection made before it is needed. */
export class Prepared {
  readonly pc: RTCPeerConnection;
  readonly lines: MediaLines;

  constructor(factory: MediaFactory, tracks: Tracks) {
    this.pc = factory.createPeerConnection(configuration([], false));
    this.lines = new MediaLines(this.pc, () => factory.createStream(), tracks);
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
