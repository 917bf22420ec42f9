// Two connections of this page that reach each other by the relay alone, each from its own place there.

/** Long enough for a handshake by TLS over a slow line. */
const PATIENCE_MS = 8_000;

/** What goes in at one end comes out at the other, or is lost: in no order, and never sent again. */
export class Loopback {
  readonly near: RTCDataChannel;
  readonly far: RTCDataChannel;
  readonly #ends: readonly RTCPeerConnection[];

  private constructor(near: RTCDataChannel, far: RTCDataChannel, ends: readonly RTCPeerConnection[]) {
    this.near = near;
    this.far = far;
    this.#ends = ends;
  }

  /** Null: no data came through in time. */
  static async open(relay: RTCIceServer, signal: AbortSignal): Promise<Loopback | null> {
    const configuration: RTCConfiguration = { iceServers: [relay], iceTransportPolicy: 'relay' };
    const ends = [new RTCPeerConnection(configuration), new RTCPeerConnection(configuration)] as const;
    const channel = { negotiated: true, id: 0, ordered: false, maxRetransmits: 0 };
    const [near, far] = [ends[0].createDataChannel('check', channel), ends[1].createDataChannel('check', channel)];
    near.binaryType = far.binaryType = 'arraybuffer';
    const loop = new Loopback(near, far, ends);
    const opened = loop.#opened(signal);
    const connected = await Promise.all([loop.#connect(), opened]).then(
      ([, open]) => open,
      () => false,
    );
    if (connected) return loop;
    loop.close();
    return null;
  }

  close(): void {
    for (const end of this.#ends) end.close();
  }

  async #connect(): Promise<void> {
    const [near, far] = this.#ends as readonly [RTCPeerConnection, RTCPeerConnection];
    const pass = (to: RTCPeerConnection) => (event: RTCPeerConnectionIceEvent) =>
      void (event.candidate && to.addIceCandidate(event.candidate).catch(() => undefined));
    near.onicecandidate = pass(far);
    far.onicecandidate = pass(near);
    // Each knows the other's description before any candidate of it comes.
    const offer = await near.createOffer();
    await far.setRemoteDescription(offer);
    await near.setLocalDescription(offer);
    const answer = await far.createAnswer();
    await near.setRemoteDescription(answer);
    await far.setLocalDescription(answer);
  }

  #opened(signal: AbortSignal): Promise<boolean> {
    return new Promise((done) => {
      const timer = setTimeout(() => done(false), PATIENCE_MS);
      const end = (open: boolean) => {
        clearTimeout(timer);
        done(open);
      };
      signal.addEventListener('abort', () => end(false));
      const look = () => this.near.readyState === 'open' && this.far.readyState === 'open' && end(true);
      this.near.addEventListener('open', look);
      this.far.addEventListener('open', look);
      for (const connection of this.#ends) this.#watch(connection, () => end(false));
    });
  }

  /** Without any candidate there is nothing to wait for. */
  #watch(connection: RTCPeerConnection, none: () => void): void {
    let candidates = 0;
    connection.addEventListener('icecandidate', ({ candidate }) => {
      if (candidate?.candidate) candidates++;
    });
    connection.addEventListener('icegatheringstatechange', () => {
      if (connection.iceGatheringState === 'complete' && candidates === 0) none();
    });
  }
}
