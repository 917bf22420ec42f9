import type { MediaFactory } from '../media.ts';

/** A track that is nothing but its kind. */
export function fakeTrack(kind: 'audio' | 'video'): MediaStreamTrack {
  return { kind } as MediaStreamTrack;
}

/** A stream that is nothing but its tracks. */
class FakeStream {
  readonly #tracks: MediaStreamTrack[] = [];

  addTrack(track: MediaStreamTrack): void {
    this.#tracks.push(track);
  }

  getTracks(): MediaStreamTrack[] {
    return this.#tracks;
  }
}

class FakeSender {
  track: MediaStreamTrack | null;
  parameters = { encodings: [{}] } as RTCRtpSendParameters;

  constructor(track: MediaStreamTrack | null) {
    this.track = track;
  }

  setStreams(): void {}

  getParameters(): RTCRtpSendParameters {
    return this.parameters;
  }

  setParameters(parameters: RTCRtpSendParameters): Promise<void> {
    this.parameters = parameters;
    return Promise.resolve();
  }

  replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    this.track = track;
    return Promise.resolve();
  }
}

interface FakeTransceiver {
  direction: string;
  sender: FakeSender;
  receiver: { track: MediaStreamTrack };
}

/** A channel whose other end is the test: what it sends is counted. */
export class FakeChannel extends EventTarget {
  readyState: RTCDataChannelState = 'connecting';
  bufferedAmount = 0;
  sent = 0;

  constructor(
    readonly label: string,
    readonly init: RTCDataChannelInit,
  ) {
    super();
  }

  send(): void {
    this.sent += 1;
  }

  /** The transport is up. */
  open(): void {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }

  /** Something comes. */
  receive(): void {
    this.dispatchEvent(new MessageEvent('message', { data: new ArrayBuffer(1) }));
  }
}

let fragments = 0;

/** The signaling half of a peer connection, as the specification describes it; no media. */
export class FakePeerConnection extends EventTarget {
  signalingState: RTCSignalingState = 'stable';
  connectionState: RTCPeerConnectionState = 'new';
  iceGatheringState: RTCIceGatheringState = 'gathering';
  localDescription: { type: string; sdp: string } | null = null;
  remoteDescription: { type: string; sdp: string } | null = null;
  readonly configurations: RTCConfiguration[];
  readonly transceivers: FakeTransceiver[] = [];
  readonly channels: FakeChannel[] = [];
  readonly added: (RTCIceCandidateInit | null)[] = [];
  readonly stats = new Map<string, Record<string, unknown>>();
  closed = false;
  restarts = 0;
  ufrag = '';
  #fresh = true;

  constructor(config: RTCConfiguration) {
    super();
    this.configurations = [config];
  }

  get configuration(): RTCConfiguration {
    return this.configurations.at(-1)!;
  }

  setConfiguration(config: RTCConfiguration): void {
    this.configurations.push(config);
  }

  addTransceiver(what: MediaStreamTrack | string, init: { direction: string }): FakeTransceiver {
    const track = typeof what === 'string' ? null : what;
    const kind = (typeof what === 'string' ? what : what.kind) as 'audio' | 'video';
    return this.#line(kind, track, init.direction);
  }

  addTrack(track: MediaStreamTrack): FakeSender {
    const line = this.transceivers.find((each) => each.receiver.track.kind === track.kind)!;
    line.sender.track = track;
    line.direction = 'sendrecv';
    return line.sender;
  }

  getTransceivers(): FakeTransceiver[] {
    return this.transceivers;
  }

  createDataChannel(label: string, init: RTCDataChannelInit): FakeChannel {
    const channel = new FakeChannel(label, init);
    this.channels.push(channel);
    return channel;
  }

  createOffer(): Promise<unknown> {
    return Promise.resolve({});
  }

  restartIce(): void {
    this.restarts += 1;
    this.#fresh = true;
  }

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    const answering = this.signalingState === 'have-remote-offer';
    if (this.#fresh) this.ufrag = `u${++fragments}`;
    this.#fresh = false;
    const sdp = `v=0\na=ice-ufrag:${this.ufrag}\n${this.transceivers.map((line) => `m=${line.receiver.track.kind}`).join('\n')}`;
    this.localDescription = { type: answering ? 'answer' : 'offer', sdp };
    this.signalingState = answering ? 'stable' : 'have-local-offer';
  }

  async setRemoteDescription(description: { type: string; sdp: string }): Promise<void> {
    await Promise.resolve();
    if (!description.sdp.startsWith('v=0')) throw new Error('not SDP');
    const wrong = description.type === 'answer' && this.signalingState !== 'have-local-offer';
    if (wrong) throw new Error('InvalidStateError');
    this.remoteDescription = description;
    this.signalingState = description.type === 'answer' ? 'stable' : 'have-remote-offer';
    this.#takeLines(description.sdp);
    // A new offer asks for new credentials of ours; real ones compare the fragments.
    if (description.type === 'offer') this.#fresh = true;
  }

  addIceCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (!this.remoteDescription) return Promise.reject(new Error('no remote description'));
    this.added.push(candidate);
    return Promise.resolve();
  }

  getStats(): Promise<unknown> {
    return Promise.resolve(this.stats);
  }

  close(): void {
    this.closed = true;
  }

  /** A candidate is found, by default for the present description. */
  find(name: string, usernameFragment = this.ufrag, component: RTCIceComponent = 'rtp'): void {
    const init = { candidate: `candidate:${name}`, sdpMid: '0', usernameFragment };
    const candidate = { ...init, component, toJSON: () => init };
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }));
  }

  /** Gathering is over. */
  gathered(): void {
    this.iceGatheringState = 'complete';
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: null }));
  }

  /** The transport is in another state. */
  become(state: RTCPeerConnectionState): void {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  #takeLines(sdp: string): void {
    const seen = { audio: 0, video: 0 };
    for (const [, name] of sdp.matchAll(/^m=(audio|video)/gm)) {
      const kind = name as 'audio' | 'video';
      const known = this.transceivers.filter((line) => line.receiver.track.kind === kind);
      if (known.length <= seen[kind]++) this.#line(kind, null, 'recvonly');
    }
    for (const { receiver } of this.transceivers) {
      this.dispatchEvent(Object.assign(new Event('track'), { track: receiver.track }));
    }
  }

  #line(kind: 'audio' | 'video', track: MediaStreamTrack | null, direction: string): FakeTransceiver {
    const line = { direction, sender: new FakeSender(track), receiver: { track: fakeTrack(kind) } };
    this.transceivers.push(line);
    return line;
  }
}

/** Makes fakes, and keeps them in the order they were made. */
export class FakeMedia implements MediaFactory {
  readonly made: FakePeerConnection[] = [];

  createPeerConnection = (config: RTCConfiguration): RTCPeerConnection => {
    const pc = new FakePeerConnection(config);
    this.made.push(pc);
    return pc as unknown as RTCPeerConnection;
  };

  createStream = (): MediaStream => new FakeStream() as unknown as MediaStream;
}
