import type { Clock, Log } from './clock.ts';
import { Connection, type ConnectionSignals } from './connection.ts';
import { LINES, Prepared, type LineName, type MediaFactory, type Tracks } from './media.ts';
import type {
  AnnouncedConnection,
  Candidates,
  ClientMessage,
  ConnectionOpened,
  Description,
  Joined,
  Participant,
  RelayTerms,
} from './protocol.gen.ts';
import type { PeerSnapshot } from './snapshot.ts';
import { Channel, type Own } from './trust/channel.ts';
import type { Speech } from './trust/chatSeal.ts';
import type { Distrust } from './trust/handshake.ts';

/** What {@link Peers} needs. */
export interface PeersOptions {
  media: MediaFactory;
  tracks: Tracks;
  clock: Clock;
  log: Log;
  /** Whether the server can be reached now. */
  ready(): boolean;
  /** The call messages belong to. */
  call(): string;
  room(): string;
  /** This participant. */
  me(): string;
  /** Sends a message that must not be lost. Resolves with why the server has refused it, or with null. */
  send(message: ClientMessage): Promise<string | null>;
  /** Whether a link's secret has to vouch for the others. */
  link: boolean;
  /** Whether the others are known to seal. */
  sealing(): boolean;
  /** What this end is in a new connection. */
  own(): Own | Promise<Own>;
  /** Somebody has told the key of their chat lines. */
  chat(participant: string, key: string): void;
  /** Somebody is not talked to. */
  refused(why: Distrust): void;
  /** The channel for files and reactions of a connection; and when it is over. */
  aside(channel: RTCDataChannel): void;
  asideOver(channel: RTCDataChannel): void;
  /** A peer has fallen silent: the way to the server may be gone as well. */
  lost(): void;
  changed(): void;
}

/** Others a call has room for. Anybody else is of the server's invention, and gets nothing. */
const MOST = 1;

interface Seat {
  participant: Participant;
  connection: Connection | null;
  /** What the connection speaks through; there with it. */
  channel: Channel | null;
  /** The server was restarted, and they have not come back yet. */
  recover: boolean;
}

/** The others in a call, and the connections to them. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #tracks: Tracks;
  readonly #seats = new Map<string, Seat>();
  #spare: Prepared | null = null;
  #paused = false;
  /** Somebody in this call has sealed what they say: nobody who does not is talked to any more. */
  #sealed = false;
  #uninvited = 0;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#tracks = { ...options.tracks };
  }

  /** How many others there are. */
  get size(): number {
    return this.#seats.size;
  }

  /** How often the server has tried to put somebody into the call for whom there is no room. */
  get uninvited(): number {
    return this.#uninvited;
  }

  /** Whether media can flow to anybody. */
  get up(): boolean {
    return this.#connections().some((connection) => connection.state === 'connected');
  }

  /** Whether what is heard and seen of somebody suffers. */
  get poor(): boolean {
    return this.#connections().some(({ quality }) => quality?.label === 'poor');
  }

  /** Whether pictures to anybody are paused, because they do not fit beside the sound. */
  get soundAlone(): boolean {
    return this.#connections().some((connection) => connection.soundAlone);
  }

  /** Whether somebody here holds the call. */
  get holding(): boolean {
    return [...this.#seats.values()].some((seat) => seat.participant.media.held === true);
  }

  /** Makes a peer connection before it is needed. */
  prepare(): void {
    this.#spare ??= new Prepared(this.#options.media, this.#sent());
  }

  /** Nobody is here: whoever comes will be the polite end, and ours the first offer. */
  warm(): void {
    this.prepare();
    this.#spare?.warm();
  }

  /** The whole table, as the server has it. What is connected and still listed goes on untouched. */
  joined(joined: Joined, again: boolean): void {
    const listed = new Set(joined.connections.map((opened) => opened.connection));
    const present = new Set(joined.participants.map((each) => each.participant));
    for (const [id, seat] of this.#seats) {
      if (seat.connection && !listed.has(seat.connection.id)) this.#close(seat);
      if (!present.has(id)) this.#remove(id, seat);
      seat.recover = again;
    }
    // First the connections: recovering needs their new credentials and generations.
    for (const opened of joined.connections) this.open(opened);
    for (const participant of joined.participants) this.participant(participant);
  }

  /** Somebody has come or changed. */
  participant(participant: Participant): void {
    const seat = this.#seats.get(participant.participant);
    if (!seat) {
      if (this.#turnsAway(participant.participant)) return;
      this.#seats.set(participant.participant, { participant, connection: null, channel: null, recover: false });
      return;
    }
    seat.participant = participant;
    if (!seat.recover || !participant.online) return;
    seat.recover = false;
    seat.channel?.recover();
    seat.connection?.recover();
  }

  /** A connection is opened, in place of an earlier one to the same peer. */
  open(opened: ConnectionOpened): void {
    if (this.#turnsAway(opened.peer)) return;
    const seat = this.#seatOf(opened.peer);
    const old = seat.connection;
    if (old?.id === opened.connection) {
      old.setRelay(opened.relay);
      return old.known(opened.generation);
    }
    seat.recover = false;
    seat.channel?.close();
    seat.channel = null;
    seat.connection = this.#create(opened, seat);
    seat.connection?.setSilent(this.#paused);
    seat.connection?.start();
    old?.close();
  }

  /** A generation of this connection begins, through the relay alone. */
  restart(connection: string, generation: number): void {
    const seat = this.#seatWith(connection);
    seat?.channel?.known(generation);
    seat?.connection?.relayOnly(generation);
  }

  /** Takes a description of somebody's. */
  description(from: string, { connection, generation, body }: Description): void {
    this.#seatWith(connection, from)?.channel?.received(generation, body);
  }

  /** Takes candidates of somebody's. */
  candidates(from: string, { connection, generation, candidates, end }: Candidates): void {
    this.#seatWith(connection, from)?.channel?.receivedCandidates(generation, candidates, end);
  }

  /** How this participant's chat lines come. */
  speech(participant: string): Speech {
    const seat = this.#seats.get(participant);
    if (!seat) return 'absent';
    const sealed = seat.channel?.trust.sealed ?? null;
    return sealed === null ? 'undecided' : sealed ? 'sealed' : 'plain';
  }

  /** How the chat lines of all of them come. */
  get speeches(): Speech {
    const all = [...this.#seats.keys()].map((participant) => this.speech(participant));
    return (['plain', 'undecided', 'sealed'] as const).find((each) => all.includes(each)) ?? 'absent';
  }

  /** New credentials for everybody. */
  relay(relay: RelayTerms): void {
    for (const connection of this.#connections()) connection.setRelay(relay);
  }

  /** The server can be reached again. */
  reachable(): void {
    for (const connection of this.#connections()) connection.reachable();
  }

  /** The network has changed under us. */
  networkChanged(): void {
    for (const connection of this.#connections()) connection.networkChanged();
  }

  /** Sends another track to everybody from now on, or none. */
  async setTrack(name: LineName, track: MediaStreamTrack | null): Promise<void> {
    this.#tracks[name] = track;
    if (!this.#paused) await this.#send(name, track);
  }

  /** Sends nothing to anybody and plays nothing of anybody, or goes on with it. */
  pause(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    for (const connection of this.#connections()) connection.setSilent(paused);
    for (const { name } of LINES) {
      this.#send(name, this.#sent()[name] ?? null).catch((error: unknown) =>
        this.#options.log(`${name} could not be ${paused ? 'held' : 'sent on'}`, error),
      );
    }
  }

  /** The living connections, for a server that has forgotten them. */
  announcements(): AnnouncedConnection[] {
    return [...this.#seats.values()].flatMap(({ connection, participant }) =>
      connection ? [connection.announcement(participant.name)] : [],
    );
  }

  /** What is seen of them. */
  snapshots(): PeerSnapshot[] {
    return [...this.#seats.values()].map(snapshotOf);
  }

  /** Ends all connections; who was there can still be seen. */
  close(): void {
    for (const { connection, channel } of this.#seats.values()) {
      channel?.close();
      connection?.close();
    }
    this.#spare?.close();
    this.#spare = null;
  }

  /** What goes out now. */
  #sent(): Tracks {
    return this.#paused ? { audio: null, video: null } : this.#tracks;
  }

  async #send(name: LineName, track: MediaStreamTrack | null): Promise<void> {
    const spare = this.#spare?.lines.replace(name, track);
    const others = this.#connections().map((connection) => connection.setTrack(name, track));
    await Promise.all([spare, ...others]);
  }

  #connections(): Connection[] {
    return [...this.#seats.values()].flatMap(({ connection }) => connection ?? []);
  }

  /** The seat a connection leads to; with `from`, only if that is theirs. */
  #seatWith(connection: string, from?: string): Seat | undefined {
    return [...this.#seats.values()].find(
      (seat) => seat.connection?.id === connection && (from === undefined || seat.connection.peer === from),
    );
  }

  #turnsAway(participant: string): boolean {
    if (this.#seats.has(participant) || this.#seats.size < MOST) return false;
    this.#uninvited += 1;
    this.#options.log('there is no room for somebody else in this call', participant);
    return true;
  }

  #seatOf(peer: string): Seat {
    const known = this.#seats.get(peer);
    if (known) return known;
    const media = { audio: false, video: false };
    const participant = { participant: peer, name: '', media, online: true };
    const seat: Seat = { participant, connection: null, channel: null, recover: false };
    this.#seats.set(peer, seat);
    return seat;
  }

  #take(polite: boolean): Prepared {
    const spare = this.#spare;
    this.#spare = null;
    // Lines we have made ourselves are not taken up by an offer; it would add a second pair.
    if (spare && !(polite && spare.lines.open)) return spare;
    spare?.close();
    return new Prepared(this.#options.media, this.#sent());
  }

  /** Null where the browser makes no peer connection; the server will give up on this one. */
  #create(opened: ConnectionOpened, seat: Seat): Connection | null {
    try {
      return this.#connect(opened, seat);
    } catch (error) {
      this.#options.log('no peer connection can be made', error);
      return null;
    }
  }

  #connect(opened: ConnectionOpened, seat: Seat): Connection {
    const channel = this.#channel(opened, () => connection);
    const connection: Connection = new Connection({
      opened,
      prepared: this.#take(opened.polite),
      createStream: () => this.#options.media.createStream(),
      signals: this.#signals(opened.connection, channel),
      clock: this.#options.clock,
      log: this.#options.log,
    });
    seat.channel = channel;
    channel.start();
    return connection;
  }

  #channel(opened: ConnectionOpened, connection: () => Connection): Channel {
    const { call, room, me, send, link, sealing, own, chat, refused, ready, changed, clock, log } = this.#options;
    const about = (generation: number) => ({ call: call(), connection: opened.connection, generation });
    return new Channel({
      role: opened.polite ? 'polite' : 'impolite',
      room: room(),
      call: opened.call,
      connection: opened.connection,
      participants: [me(), opened.peer],
      generation: opened.generation,
      link,
      sealing: sealing() || this.#sealed,
      own,
      sendDescription: (generation, body) => send({ t: 'description', ...about(generation), body }),
      sendCandidates: (generation, candidates, end) =>
        void send({ t: 'candidates', ...about(generation), candidates, end }),
      description: (generation, body) => connection().description(generation, body),
      candidates: (generation, bodies, end) => connection().candidates(generation, bodies, end),
      chat: (key) => chat(opened.peer, key),
      wasUp: () => connection().wasUp,
      ready,
      changed: () => {
        this.#sealed ||= this.speech(opened.peer) === 'sealed';
        changed();
      },
      refused,
      clock,
      log,
    });
  }

  #close(seat: Seat): void {
    seat.channel?.close();
    seat.connection?.close();
    seat.channel = null;
    seat.connection = null;
  }

  #remove(id: string, seat: Seat): void {
    this.#close(seat);
    this.#seats.delete(id);
  }

  #signals(connection: string, channel: Channel): ConnectionSignals {
    const { ready, send, call, lost, changed, aside, asideOver } = this.#options;
    return {
      ready,
      lost,
      changed,
      aside,
      asideOver,
      description: (generation, body) => channel.sendDescription(generation, body),
      candidates: (generation, candidates, end) => channel.sendCandidates(generation, candidates, end),
      state: (generation, state, path) =>
        void send({ t: 'connection_state', call: call(), connection, generation, state, ...(path && { path }) }),
    };
  }
}

function snapshotOf({ participant, connection, channel }: Seat): PeerSnapshot {
  return {
    participant: participant.participant,
    name: participant.name,
    media: participant.media,
    online: participant.online,
    connection: connection?.state ?? 'connecting',
    path: connection?.path ?? '',
    stream: connection?.stream ?? null,
    screen: (participant.media.screen && connection?.screen) || null,
    quality: connection?.quality ?? null,
    trust: channel?.trust ?? null,
  };
}
