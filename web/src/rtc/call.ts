import { Aside } from './aside/aside.ts';
import { Chat } from './chat.ts';
import { consoleLog, systemClock, Timer, type Clock, type Log } from './clock.ts';
import type { StringStorage } from './device.ts';
import { callOf, roomOf, secretOf, type Door } from './door.ts';
import { Listeners } from './emitter.ts';
import { randomId } from './ids.ts';
import type { Kind, MediaFactory, Screen, Tracks } from './media.ts';
import { MediaNews } from './mediaNews.ts';
import { CallMemory } from './memory.ts';
import { Peers } from './peers.ts';
import {
  limits,
  type AnnouncedConnection,
  type ClientMessage,
  type Join,
  type Joined,
  type MediaState,
  type ServerMessage,
} from './protocol.gen.ts';
import { RequestError } from './requests.ts';
import type { Message, Signaling, SignalingState } from './signaling.ts';
import type { CallEndReason, CallPhase, CallSnapshot } from './snapshot.ts';
import { ChatSeal } from './trust/chatSeal.ts';
import { Keyring, type Identity } from './trust/keyring.ts';

/** What {@link Call} needs; everything with a default can be left out in a browser. */
export interface CallOptions {
  /** Started, and stopped, by its owner; it may serve one call after the other. */
  signaling: Signaling;
  door: Door;
  name: string;
  media: MediaState;
  tracks: Tracks;
  createPeerConnection?: MediaFactory['createPeerConnection'];
  createStream?: MediaFactory['createStream'];
  /** Keeps the id of the call per room and the key of its chat, so that a reload finds them again. */
  memory?: StringStorage;
  /** Who this end is; by default somebody whom nobody knows, as long as the call lasts. */
  identity?: () => Promise<Identity>;
  clock?: Clock;
  log?: Log;
}

/** Without signaling and without media for so long, a call is over: the server has ended it too. */
const LOST_MS = limits.reconnect_ms;
/** Pause before another try to join again a call whose media flows. */
const REJOIN_MS = 3_000;

/** One call, from its door to its end. A call that has ended is not joined again. */
export class Call {
  /** Files and reactions; how they stand is in the snapshot. */
  readonly aside: Aside;
  readonly #options: CallOptions;
  readonly #signaling: Signaling;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #chat: Chat;
  readonly #chatSeal: ChatSeal;
  readonly #keyring: Keyring;
  readonly #peers: Peers;
  readonly #media: MediaNews;
  readonly #listeners: Listeners<[CallSnapshot]>;
  readonly #lossTimer: Timer;
  readonly #rejoinTimer: Timer;
  #memory: CallMemory;
  #forgetPings: () => void = () => undefined;
  #stage: 'idle' | 'joining' | 'in' | 'ended' | 'refused' = 'idle';
  #joinAbort = new AbortController();
  #unsubscribe: (() => void)[] = [];
  #call: string;
  /** Empty until the server has said which room a ring asks into. */
  #room: string;
  #me = '';
  #held = false;
  #sealing = false;
  #showing = false;
  #startedAt: number | null = null;
  /** Whether media has flowed in this page; the call may have started before it was reloaded. */
  #wasUp = false;
  #ended: CallSnapshot['ended'] = null;
  #refusal: CallSnapshot['refusal'] = null;
  /** Connections at the moment of hanging up, while the server does not know of that. */
  #farewell: AnnouncedConnection[] | null = null;
  #snapshot: CallSnapshot;

  constructor(options: CallOptions) {
    this.#options = options;
    this.#signaling = options.signaling;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? consoleLog;
    this.#media = new MediaNews(options.media, async (media) => void (await this.#tell({ t: 'media', call: this.#call, media })));
    this.#room = roomOf(options.door);
    this.#memory = new CallMemory(options.memory, this.#room);
    this.#listeners = new Listeners(this.#log);
    this.#lossTimer = new Timer(this.#clock);
    this.#rejoinTimer = new Timer(this.#clock);
    this.#call = callOf(options.door) ?? this.#memory.recall() ?? randomId();
    this.#keyring = new Keyring(this.#room, this.secret, options.identity);
    this.#chat = this.#makeChat();
    this.#chatSeal = this.#makeChatSeal();
    this.#peers = this.#makePeers();
    this.aside = this.#makeAside();
    this.#snapshot = this.#look();
  }

  /** How the call is now; another object after each change. */
  get snapshot(): CallSnapshot {
    return this.#snapshot;
  }

  /** The call's id; the server may know the room's call by another one, until it is joined. */
  get id(): string {
    return this.#call;
  }

  /** The room, which finds the call again after a reload; empty while it is not known. */
  get room(): string {
    return this.#room;
  }

  /** The secret of the link that led here; empty if it has none. It is never sent to anybody. */
  get secret(): string {
    return secretOf(this.#options.door);
  }

  /** Hears every change with the new snapshot; not called for the present one. */
  subscribe(listener: (snapshot: CallSnapshot) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** The other end is known to seal: from now on nobody who does not is talked to. */
  expectSealed(): void {
    this.#sealing = true;
  }

  /** Makes ready what joining needs, as long as there is time. Joining does it too. */
  prepare(): void {
    this.#attempt(() => this.#peers.prepare());
    this.#keyring.prepare();
  }

  /** Goes in through the door. Resolves when that is decided; the snapshot says how. Never rejects. */
  async join(): Promise<void> {
    if (this.#stage !== 'idle' && this.#stage !== 'refused') return;
    this.#stage = 'joining';
    this.#refusal = null;
    this.#joinAbort = new AbortController();
    this.#listen();
    this.#changed();
    const { door } = this.#options;
    const answer = 'joined' in door ? null : this.#requestEntry();
    // While the answer is on its way.
    this.prepare();
    if ('joined' in door) this.#joined(door.joined);
    await answer;
  }

  /** Sends another track from now on, or none. Rejects when a browser refuses the track. */
  async setTrack(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    if (this.#stage !== 'ended') await this.#peers.setTrack(kind, track);
  }

  /**
   * Shows a screen beside the camera, another one, or with null none any more. Resolves when the others
   * can know. Rejects when a browser refuses a track.
   */
  async setScreen(screen: Screen | null): Promise<void> {
    this.#showing = screen !== null;
    if (this.#stage === 'ended') return;
    const tracks = [this.#peers.setTrack('screen', screen?.video ?? null), this.#peers.setTrack('screenSound', screen?.audio ?? null)];
    await Promise.all([...tracks, this.setMedia(this.#media.now)]);
  }

  /** Tells the others what is on. Resolves when they can know. Never rejects. */
  async setMedia(media: MediaState): Promise<void> {
    this.#media.set(this.#whole(media));
    this.#changed();
    if (this.#stage === 'in') await this.#media.flush();
  }

  /**
   * Puts the call on hold, or takes it off again. As long as either end holds it, nothing is sent
   * and nothing is played at both. Resolves when the others can know. Never rejects.
   */
  async hold(held: boolean): Promise<void> {
    this.#held = held;
    await this.setMedia(this.#media.now);
  }

  /** Says something; false when it is empty or too long. While offline it is kept, and shown as pending. */
  sendChat(text: string): boolean {
    if (this.#stage === 'ended' || this.#stage === 'refused') return false;
    return this.#chat.say(this.#options.name, text);
  }

  /** Ends the call here at once. Resolves when the server knows, however late. Never rejects. */
  async hangup(): Promise<void> {
    await this.#hangUp('hung_up');
  }
  /** The page is being unloaded; if it comes back soon, the seat is still there. */
  closing(): void {
    if (this.#stage === 'in' || this.#stage === 'joining') this.#signaling.send({ t: 'closing' });
  }

  /** The network has changed: asks the server for a sign of life and looks for a better path. */
  networkChanged(): void {
    this.#signaling.probe();
    if (this.#stage === 'in') this.#peers.networkChanged();
  }

  /** Ends the call here, and tells the server when it can. */
  async #hangUp(reason: CallEndReason): Promise<void> {
    if (this.#stage === 'ended') return;
    const known = this.#stage === 'in' || this.#stage === 'joining';
    if (this.#stage === 'in') this.#farewell = this.#peers.announcements();
    this.#end(reason);
    if (!known) return;
    const forget = this.#signaling.onReset(() => this.#sayFarewell());
    this.#joinAbort.abort();
    await this.#tell({ t: 'hangup', call: this.#call });
    forget();
  }

  #listen(): void {
    const signaling = this.#signaling;
    const heard = <M extends { call: string }>(handle: (message: M) => void) => (message: M) => {
      if (this.#stage === 'in' && message.call === this.#call) handle(message);
    };
    const mine = <M extends { call: string }>(handle: (message: M) => void) =>
      heard((message: M) => {
        handle(message);
        this.#changed();
      });
    this.#unsubscribe = [
      signaling.onState((state) => this.#signalingChanged(state)),
      signaling.onReset(() => this.#rejoin()),
      signaling.on('participant', mine(({ participant }) => this.#participant(participant))),
      signaling.on('connection', mine((message) => this.#peers.open(message))),
      signaling.on('connection_restart', mine(({ connection, generation }) =>
        this.#peers.restart(connection, generation),
      )),
      // These change nothing by themselves; what follows from them says so when it does.
      signaling.on('description', heard((message) => this.#peers.description(message.from, message))),
      signaling.on('candidates', heard((message) => this.#peers.candidates(message.from, message))),
      signaling.on('chat', mine((message) => this.#chatSeal.received(message, message.from === this.#me))),
      signaling.on('relay_credentials', mine(({ relay }) => this.#peers.relay(relay))),
      signaling.on('call_ended', mine(({ reason }) => this.#end(reason))),
    ];
  }

  #participant(participant: Message<'participant'>['participant']): void {
    if (participant.participant !== this.#me) this.#peers.participant(participant);
  }

  async #requestEntry(): Promise<void> {
    try {
      await this.#enter(this.#entryMessage(), { signal: this.#joinAbort.signal });
    } catch (error) {
      if (this.#stage !== 'joining') return;
      const code = error instanceof RequestError ? error.code : 'stopped';
      // A reset while other calls were being joined again: this join has not been heard.
      if (code === 'superseded') return this.#requestEntry();
      const offline = code === 'stopped' || code === 'withdrawn';
      this.#refuse(offline ? 'offline' : code, error instanceof Error ? error.message : '');
    }
  }

  /** Another call may be on its way into the same room: only the answers to our own requests are ours. */
  async #enter(message: ClientMessage, options: { signal?: AbortSignal } = {}): Promise<void> {
    const answered = (answer: ServerMessage) => answer.t === 'joined' && this.#joined(answer);
    await this.#signaling.request(message, { ...options, answered });
  }

  #entryMessage(): ClientMessage {
    const { door } = this.#options;
    if (!('ring' in door)) return this.#joinMessage([]);
    return { t: 'accept', ring: door.ring, media: this.#media.tell() };
  }

  #joinMessage(connections: AnnouncedConnection[]): { t: 'join' } & Join {
    const { name } = this.#options;
    return { t: 'join', room: this.#room, call: this.#call, name, media: this.#media.tell(), connections };
  }

  #joined(joined: Joined): void {
    if (this.#stage === 'ended') return this.#joinedLate(joined);
    if (this.#room === '' ? joined.call !== this.#call : joined.room !== this.#room) return;
    if (this.#stage !== 'joining' && this.#stage !== 'in') return;
    const again = this.#stage === 'in';
    this.#stage = 'in';
    this.#call = joined.call;
    this.#me = joined.you;
    if (this.#room === '') this.#memory = new CallMemory(this.#options.memory, joined.room);
    this.#room = joined.room;
    // Somebody is there, so it is the call that was; alone, it would be another under its id.
    if (joined.participants.length > 0) this.#startedAt ??= this.#memory.startedAt(joined.call);
    this.#memory.remember(joined.call, this.#startedAt);
    this.#forgetPings();
    this.#forgetPings = this.#signaling.expectPings(limits.ping_in_call_ms);
    this.#chatSeal.joined(joined.call, joined.you);
    this.#peers.joined(joined, again);
    for (const message of joined.chat) this.#chatSeal.received(message, message.from === this.#me);
    // Nobody is here, so the first offer will be ours.
    if (this.#peers.size === 0) this.#attempt(() => this.#peers.warm());
    void this.#chat.flush();
    void this.#media.flush();
    this.#changed();
  }

  /** It is over here, and the room had a call with another id than the one that was hung up. */
  #joinedLate({ call, room }: Joined): void {
    if (!this.#signaling.entering(room)) void this.#tell({ t: 'hangup', call });
  }

  /** The server has forgotten us: says what is alive. Nothing that flows is touched. */
  async #rejoin(): Promise<void> {
    if (this.#stage !== 'in') return;
    this.#rejoinTimer.clear();
    try {
      await this.#enter(this.#joinMessage(this.#peers.announcements()));
    } catch (error) {
      const code = error instanceof RequestError ? error.code : 'stopped';
      if (code === 'superseded' || code === 'stopped' || this.#stage !== 'in') return;
      this.#log('the call could not be joined again', error);
      if (this.#peers.up) this.#rejoinTimer.set(REJOIN_MS, () => void this.#rejoin());
      else this.#end('connection_lost');
    }
  }

  /** Hung up, and the server has forgotten us before it heard: it must know of which call. */
  async #sayFarewell(): Promise<void> {
    if (this.#farewell) await this.#tell(this.#joinMessage(this.#farewell));
  }

  #signalingChanged(state: SignalingState): void {
    if (state === 'stopped') this.#signalingStopped();
    if (state === 'online' && this.#stage === 'in') {
      this.#peers.reachable();
      void this.#chat.flush();
      void this.#media.flush();
    }
    this.#changed();
  }

  #signalingStopped(): void {
    const reason = this.#signaling.stopReason;
    if (this.#stage !== 'in') return;
    if (reason === 'replaced' || reason === 'server_stopped' || reason === 'signed_out') this.#end(reason);
    else if (reason === 'refused') this.#end('signed_out');
    else if (!this.#peers.up) this.#end('connection_lost');
  }

  #attempt(make: () => void): void {
    try {
      make();
    } catch (error) {
      this.#log('no peer connection can be made', error);
    }
  }

  /** A request whose failure leaves nothing to do but what its refusal, or null, says. */
  async #tell(message: ClientMessage): Promise<string | null> {
    try {
      await this.#signaling.request(message);
      return null;
    } catch (error) {
      const code = error instanceof RequestError ? error.code : null;
      // Late: the connection has been replaced, or the call is over.
      const late = code === 'gone' || code === 'not_found' || code === 'superseded';
      if (!late && code !== 'stopped') this.#log(`${message.t} was refused`, error);
      return code;
    }
  }

  #refuse(code: NonNullable<CallSnapshot['refusal']>['code'], message: string): void {
    this.#stage = 'refused';
    this.#refusal = { code, message };
    this.#leave();
    this.#changed();
  }

  #end(reason: CallEndReason): void {
    const since = this.#startedAt;
    this.#stage = 'ended';
    this.#ended = { reason, durationMs: since === null ? 0 : Math.max(0, this.#clock.now() - since) };
    this.#memory.forget();
    this.#chatSeal.forget();
    this.#leave();
    this.#changed();
  }

  #leave(): void {
    for (const stop of this.#unsubscribe.splice(0)) stop();
    this.#rejoinTimer.clear();
    this.#forgetPings();
    this.#peers.close();
  }

  /** What is on here, with all that belongs to it. */
  #whole({ audio, video }: MediaState): MediaState {
    const paused = (video || this.#showing) && this.#peers.soundAlone;
    return {
      audio,
      video,
      ...(this.#showing && { screen: true }),
      ...(this.#held && { held: true }),
      ...(paused && { paused: true }),
    };
  }

  /** Pictures are paused, or go on again: that is told. */
  #watchPictures(): void {
    const now = this.#whole(this.#media.now);
    if (now.paused === this.#media.now.paused) return;
    this.#media.set(now);
    if (this.#stage === 'in') void this.#media.flush();
  }

  #changed(): void {
    this.#chatSeal.drain();
    this.#watchPictures();
    this.#peers.pause(this.#held || this.#peers.holding);
    if (this.#stage === 'in' && this.#peers.up && !this.#wasUp) this.#started();
    this.#watchLoss();
    this.#snapshot = this.#look();
    this.#listeners.emit(this.#snapshot);
  }

  #started(): void {
    this.#wasUp = true;
    this.#startedAt ??= this.#clock.now();
    this.#memory.remember(this.#call, this.#startedAt);
  }

  /** With signaling the server decides when a call is lost; without it we must. */
  #watchLoss(): void {
    const alone = this.#peers.size === 0;
    const lost = this.#stage === 'in' && !alone && !this.#peers.up;
    if (!lost || this.#signaling.state === 'online') this.#lossTimer.clear();
    else if (!this.#lossTimer.running) this.#lossTimer.set(LOST_MS, () => this.#end('connection_lost'));
  }

  #phase(): CallPhase {
    if (this.#stage !== 'in') return this.#stage;
    if (this.#peers.size === 0) return 'waiting';
    if (this.#peers.up) return 'active';
    return this.#wasUp ? 'reconnecting' : 'connecting';
  }

  #look(): CallSnapshot {
    return {
      phase: this.#phase(),
      signaling: this.#signaling.state,
      me: { name: this.#options.name, media: this.#media.now },
      peers: this.#peers.snapshots(),
      uninvited: this.#peers.uninvited,
      chat: this.#chat.lines,
      aside: this.aside.snapshot,
      startedAt: this.#startedAt,
      ended: this.#ended,
      refusal: this.#refusal,
    };
  }

  #makeChat(): Chat {
    return new Chat({
      clock: this.#clock,
      call: () => (this.#stage === 'in' ? this.#call : null),
      send: async (call, chat, body) =>
        this.#signaling.request({ t: 'chat', call, chat, body: await this.#chatSeal.seal(chat, body) }),
      changed: () => this.#changed(),
    });
  }

  #makeChatSeal(): ChatSeal {
    return new ChatSeal({
      storage: this.#options.memory,
      log: this.#log,
      speech: (participant) => this.#peers.speech(participant),
      others: () => this.#peers.speeches,
      deliver: (message, mine) => this.#chat.received(message, mine),
    });
  }

  #makeAside(): Aside {
    return new Aside({
      clock: this.#clock,
      log: this.#log,
      poor: () => this.#peers.poor,
      changed: () => this.#changed(),
    });
  }

  #makePeers(): Peers {
    return new Peers({
      media: {
        createPeerConnection:
          this.#options.createPeerConnection ?? ((config) => new RTCPeerConnection(config)),
        createStream: this.#options.createStream ?? (() => new MediaStream()),
      },
      tracks: this.#options.tracks,
      clock: this.#clock,
      log: this.#log,
      ready: () => this.#signaling.state === 'online',
      call: () => this.#call,
      room: () => this.#room,
      me: () => this.#me,
      send: (message) => this.#tell(message),
      link: this.#keyring.link,
      sealing: () => this.#sealing,
      own: () => this.#keyring.own(this.#chatSeal.key),
      chat: (participant, key) => this.#chatSeal.learn(participant, key),
      refused: (why) => void this.#hangUp(why),
      aside: (channel) => this.aside.attach(channel),
      asideOver: (channel) => this.aside.detach(channel),
      lost: () => this.#signaling.probe(),
      changed: () => this.#changed(),
    });
  }
}
