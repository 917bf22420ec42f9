// The calls of this page: the one on the screen, the one on hold, the one that rings there or here, and how
// each leads to the next.
import { consoleLog, type Call, type Door, type IncomingRing, type OutgoingEnd, type RingOver, type Visit } from '../rtc/index.ts';
import type { Tone } from '../media/ringer.ts';
import { account } from './account.svelte.ts';
import { CallSession } from './session.svelte.ts';
import { Dial } from './dial.svelte.ts';
import { Line } from './line.ts';
import { OwnMedia } from './ownMedia.svelte.ts';
import { Phone, type Person } from './phone.svelte.ts';
import { callStateOf, type CallState, type Screen } from './callState.ts';
import { browserKind, problemText, type Kind } from './deviceProblem.ts';
import { endedReason, ringOverText } from './endings.ts';
import { t } from './i18n/index.ts';
import { cleanName } from './name.ts';
import { prefer, preferences } from './preferences.svelte.ts';
import { newRoom, roomPath } from './route.ts';
import { forgetSeat, rememberSeat, type ParkedSeat, type Seat } from './seat.ts';

/** How long a reload waits for the camera before it takes its seat back without. */
const DEVICES_MS = 1500;
/** How long the lobby stays for the answer to "Join": a screen that is drawn meanwhile would hold it up. */
const ANSWER_MS = 150;
/** Refusals of an answer that may be different in a moment. */
const PASSING: readonly string[] = ['unavailable', 'rate_limited', 'limit', 'offline'];

export abstract class Calls {
  screen: Screen = $state('start');
  room = $state('');
  /** The part of the room's link that only the two ends know; empty where there is none. */
  secret = $state('');
  /** Whether this person started the call, rather than opened a link. */
  started = $state(false);
  joining = $state(false);
  /** A sentence that passes by: said once, shown for some seconds. */
  notice = $state('');
  /** Whether the server cannot be reached. */
  offline = $state(false);
  /** Whom the page around this one has announced. */
  visit: Visit | null = $state.raw(null);
  /** What it has announced them by is good no more. */
  turnedAway = $state(false);
  /** The call on the screen. */
  session: CallSession | null = $state.raw(null);
  /** Another call, on hold while this one goes on. */
  parked: CallSession | null = $state.raw(null);
  /** Somebody who is being called, or was and did not answer. */
  dial: Dial | null = $state.raw(null);
  /** A ring was answered, and no microphone or camera has opened since. */
  answering = $state(false);
  /** The microphone is on while a key is held. */
  talking = $state(false);
  /** The browser holds the tone back until somebody clicks in this page. */
  ringBlocked = $state(false);
  readonly own = new OwnMedia();
  readonly phone = new Phone((ring, reason) => this.#ringOver(ring, reason));
  protected readonly line: Line;
  /** Made ready in the lobby, so that joining finds everything prepared. */
  protected call: Call | null = null;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  readonly link: string = $derived(location.origin + roomPath(this.room, this.secret));
  /** What rings here and is not silenced. */
  readonly incoming: IncomingRing | null = $derived(this.phone.ringing[0] ?? null);
  /** A call is on the screen: another one that rings waits beside it. */
  readonly engaged: boolean = $derived(this.screen === 'call' || this.screen === 'calling');
  readonly callState: CallState = $derived(
    callStateOf(this.screen, this.session?.snapshot.phase ?? null, {
      here: this.incoming !== null,
      there: ['offered', 'ringing'].includes(this.dial?.snapshot.phase ?? ''),
    }),
  );
  readonly path: string = $derived((this.screen === 'call' && this.session?.peer?.path) || '');
  readonly peers: number = $derived(this.screen === 'call' ? (this.session?.snapshot.peers.length ?? 0) : 0);
  readonly endedReason: string = $derived(this.dial?.snapshot.end?.how ?? endedReason(this.session?.snapshot ?? null));
  /** A ring was answered, but nobody hears this person: the screen says why, and what to do. */
  readonly unheard: boolean = $derived(this.answering && this.own.silent && !this.own.opening);
  /** What is to be heard now. */
  readonly tone: Tone | null = $derived.by(() => {
    if (!preferences.sounds) return null;
    if (this.incoming) return this.phone.certain ? (this.engaged ? 'waiting' : 'ring') : null;
    return this.dial?.snapshot.phase === 'ringing' ? 'ringback' : null;
  });

  constructor() {
    this.line = new Line({
      phone: this.phone,
      canTake: () => 'RTCPeerConnection' in globalThis && !(this.engaged && this.parked),
      offline: (is) => (this.offline = is),
      signedOut: () => this.go('/signin'),
      admitted: (visit) => this.admitted(visit),
    });
  }

  /** "Call with voice" and "Call with video": the devices first, then theirs ring. */
  async callPerson(person: Person, video: boolean): Promise<void> {
    this.leave();
    this.room = newRoom();
    this.secret = '';
    history.pushState(null, '', roomPath(this.room, ''));
    this.own.wanted = { audio: true, video };
    const dial = this.#dialling(person, video);
    await this.own.open();
    if (this.dial !== dial || dial.snapshot.phase !== 'idle') return;
    if (this.own.silent) dial.unheard = true;
    else this.ring();
  }

  /** Lets the person's devices ring, whatever can be heard and seen of us. */
  ring(): void {
    const { dial, session } = this;
    if (!dial || !session) return;
    dial.unheard = false;
    this.own.enterCall();
    this.#remember();
    const start = () => dial.outgoing.start(session.call.id, this.own.media);
    if (session.call.snapshot.phase === 'waiting') return start();
    const stop = session.call.subscribe(({ phase }) => {
      if (phase === 'joining') return;
      stop();
      if (phase === 'waiting' && this.dial === dial) start();
    });
  }

  /** Answers a ring. The call on the screen is put on hold, or with `end` ended. */
  async accept(ring: IncomingRing, video: boolean, end = false): Promise<void> {
    this.phone.accepting(ring.ring);
    const { own } = this;
    const running = this.screen === 'call' && this.session !== null;
    own.follow(null);
    if (!running) this.leave();
    else if (end) this.#drop(this.session!);
    else this.#park();
    // Before the new call gets any track: a camera that was on for somebody else is not on for them.
    if (!video) void own.setOn('video', false);
    own.wanted = { audio: true, video };
    if (own.tracks.audio) own.tracks.audio.enabled = true;
    this.answering = true;
    const opened = own.open();
    const session = new CallSession(this.follow({ ring: ring.ring, call: ring.call }), ring.from);
    session.ring = ring.ring;
    this.#present(session, 'call');
    void session.call.join();
    await opened;
    if (this.session !== session) return;
    void session.call.setMedia(own.media);
    if (!own.silent) this.#heard();
  }

  /** "Listen only", where no microphone and no camera could be opened. */
  listenOnly(): void {
    this.own.wanted = { audio: false, video: false };
    this.#heard();
  }

  decline(ring: IncomingRing): void {
    this.phone.decline(ring.ring);
  }

  ignore(ring: IncomingRing): void {
    this.phone.ignore(ring.ring);
  }

  /** "Cancel": the devices of the other stop ringing. */
  cancel(): void {
    this.toStart();
  }

  /** Puts the call on the screen on hold, or takes it off. */
  hold(held: boolean): void {
    void this.session?.call.hold(held);
    this.#remember();
  }

  /** The call that is on hold comes to the screen, and the one there is put on hold. */
  swap(): void {
    const next = this.parked;
    if (!next) return;
    this.own.follow(null);
    this.parked = null;
    if (this.session) this.#park();
    this.#bringBack(next);
    void next.call.hold(false);
    this.#remember();
  }

  /** Microphone or camera on or off, in a call. What cannot be turned on is said. */
  async toggle(kind: Kind): Promise<void> {
    const { own } = this;
    const on = !own.media[kind];
    await own.setOn(kind, on);
    if (!on || own.tracks[kind]) return;
    own.wanted = { ...own.wanted, [kind]: false };
    this.sayProblem(kind);
  }

  /** A screen is shown, or no longer. What prevents it is said. */
  async toggleScreen(): Promise<void> {
    const share = this.session?.share;
    if (share?.on) return share.stop();
    const problem = await share?.start();
    if (problem) this.say(t(problem));
  }

  /** Held to talk: a muted microphone is on for as long as it is held. It opens nothing. */
  talk(on: boolean): void {
    if (on === this.talking || (on && (this.own.media.audio || !this.own.tracks.audio))) return;
    this.talking = on;
    void this.own.setOn('audio', on);
  }

  hangUp(): void {
    // Pressed while a reload waits for the devices: only who is in can leave.
    if (!this.session) this.enter();
    void this.session?.call.hangup();
  }

  /** To another page of the app. */
  abstract go(path: string): void;

  /** The line was opened with a join token; null: that is good no more. */
  protected abstract admitted(visit: Visit | null): void;

  toStart(): void {
    this.go('/');
  }

  say(notice: string): void {
    this.notice = notice;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => (this.notice = ''), 8000);
  }

  protected sayProblem(kind: Kind): void {
    const cause = this.own.causeOf(kind);
    if (!cause) return;
    const text = problemText({ cause, kinds: [kind] }, browserKind(navigator.userAgent, navigator.maxTouchPoints));
    this.say(`${t(text.title)}. ${t(text.mend)}`);
  }

  #behind(door: Door): Call {
    const name = () => account.me?.name ?? this.visit?.name ?? cleanName(preferences.name, t('lobby.name.guest'));
    return this.line.open().call(door, name, account.me?.user ?? null);
  }

  /** A call behind this door, which gets what the devices give. */
  protected follow(door: Door): Call {
    const { own } = this;
    const call = this.#behind(door);
    this.call = call;
    this.#connectDevices(call);
    // What is still opening is going to be there; an answer with voice should not begin as muted.
    if (own.opening && this.answering) void call.setMedia(own.wanted);
    return call;
  }

  #connectDevices(call: Call): void {
    const { own } = this;
    own.follow({
      track: (kind, track) => {
        call.setTrack(kind, track).catch((error: unknown) => consoleLog(`${kind} could not be sent`, error));
        if (track && this.answering && this.session?.call === call) this.#heard();
      },
      media: (media) => {
        if (own.opening && this.answering) return;
        void call.setMedia(media);
        if (this.session?.call === call) this.#remember();
      },
      lost: (kind) => this.session?.call === call && this.sayProblem(kind),
      replaced: (kind, name) => this.session?.call === call && this.say(t(`device.replaced.${kind}`, { name: name || t('device.other') })),
    });
  }

  /** Who answered can be heard, or has agreed not to be. */
  #heard(): void {
    this.answering = false;
    this.own.enterCall();
    this.#remember();
  }

  protected async takeSeatBack(seat: Seat): Promise<void> {
    this.own.wanted = seat.media;
    if (seat.dial) void this.call?.hangup();
    prefer({ name: seat.name });
    if (seat.parked) this.#takeBackParked(seat.parked);
    const dial = seat.person && seat.dial && this.#dialling(seat.person, seat.dial.video, seat.dial.ring);
    if (!dial) this.screen = 'call';
    const late = new Promise((done) => setTimeout(done, DEVICES_MS));
    if (seat.media.audio || seat.media.video) await Promise.race([this.own.open(), late]);
    if (dial) return this.dial === dial ? this.ring() : undefined;
    if (this.screen === 'call' && !this.session) this.enter(seat);
  }

  /** The call that was on hold beside the one on the screen; it gets no devices. */
  #takeBackParked({ room, secret, media, person }: ParkedSeat): void {
    const session = new CallSession(this.#behind({ room, secret }), person ?? null);
    session.wanted = media;
    this.parked = session;
    void session.call.hold(true);
    session.call.subscribe(() => this.#changed(session));
    void session.call.join();
  }

  /** From the lobby into its call. The screen follows the answer, so that what it is for does not wait for it. */
  protected async enterFromLobby(): Promise<void> {
    const call = this.call;
    if (!call) return;
    this.joining = true;
    const session = new CallSession(call);
    this.own.enterCall();
    await Promise.race([call.join(), new Promise((late) => setTimeout(late, ANSWER_MS))]);
    // Meanwhile the person may have gone elsewhere.
    if (this.call !== call) return session.stop();
    this.joining = false;
    this.#present(session, 'call');
    this.#changed(session);
  }

  protected enter(seat: Partial<Seat> = {}): void {
    const call = this.call;
    if (!call) return;
    const session = new CallSession(call, seat.person ?? null);
    this.own.enterCall();
    if (seat.held) void call.hold(true);
    this.#present(session, 'call');
    void call.join();
  }

  #dialling(person: Person, video: boolean, ring?: string): Dial {
    const session = new CallSession(this.follow({ room: this.room }), person);
    const dial = new Dial(person, video, this.line.open().outgoing(person.user, ring));
    this.dial = dial;
    dial.outgoing.subscribe(({ end }) => end && this.dial === dial && this.#dialOver(dial, end));
    this.#present(session, 'calling');
    void session.call.join();
    return dial;
  }

  #dialOver(dial: Dial, end: OutgoingEnd): void {
    if (end.how === 'accepted') return this.#answered();
    if (end.how === 'glare') {
      // They were calling us: the devices go over into their call.
      if (this.session) this.#drop(this.session);
      this.dial = null;
      const session = new CallSession(this.follow({ joined: end.joined }), dial.person);
      this.#present(session, 'call');
      return void session.call.join();
    }
    if (this.session) this.#drop(this.session);
    this.#unanswered();
  }

  #answered(): void {
    this.dial?.outgoing.answered();
    this.dial = null;
    this.screen = 'call';
    this.#remember();
  }

  #unanswered(): void {
    this.own.follow(null);
    this.own.close();
    history.replaceState(null, '', '/');
    this.room = '';
    this.screen = 'unanswered';
  }

  #present(session: CallSession, screen: 'call' | 'calling'): void {
    this.session = session;
    this.screen = screen;
    this.notice = '';
    this.#found(session.call);
    session.call.subscribe(() => this.#changed(session));
  }

  /** On hold until it comes back to the screen; the devices are another call's now. */
  #park(): void {
    const session = this.session!;
    session.wanted = { ...this.own.wanted };
    session.share.stop();
    void session.call.hold(true);
    this.parked = session;
    this.session = null;
  }

  #bringBack(session: CallSession): void {
    const { own } = this;
    this.session = session;
    this.call = session.call;
    this.room = session.call.room;
    this.secret = session.call.secret;
    this.screen = 'call';
    history.replaceState(null, '', this.link);
    const wanted = session.wanted ?? own.wanted;
    for (const kind of ['audio', 'video'] as const) void own.setOn(kind, wanted[kind]);
    this.#connectDevices(session.call);
  }

  /** What a reload restores is what the person has on, even if a device was just unplugged. */
  #remember(): void {
    const { session, parked, dial, room } = this;
    if (!session || !room) return;
    rememberSeat({
      room,
      name: preferences.name,
      media: { ...this.own.wanted },
      ...(session.call.snapshot.me.media.held && { held: true }),
      ...personIn(session),
      ...(parked && {
        parked: { room: parked.call.room, secret: parked.call.secret, media: { ...(parked.wanted ?? this.own.wanted) }, ...personIn(parked) },
      }),
      ...(dial && { dial: { ring: dial.outgoing.ring, video: dial.video } }),
    });
  }

  #changed(session: CallSession): void {
    if (session === this.parked) return this.#parkedChanged(session);
    if (session !== this.session || !this.engaged) return;
    const { call } = session;
    const { phase, peers, uninvited, ended } = call.snapshot;
    if (phase === 'refused') return this.#refused(session);
    // The invite's answer is on its way, and leads into their call.
    if (phase === 'ended' && this.dial && ended?.reason === 'glare') return;
    if (phase === 'ended') return this.#ended(session);
    if ((peers[0]?.trust?.altered ?? 0) > session.altered) this.say(t('lock.altered'));
    session.altered = peers[0]?.trust?.altered ?? 0;
    if (uninvited > session.uninvited) this.say(t('lock.uninvited'));
    session.uninvited = uninvited;
    if (session.meet() === 'new') this.say(t('lock.new', { name: session.peerName }));
    if (this.dial && peers.length > 0) this.#answered();
    // Only now is it known which room the ring led into.
    if (this.room !== call.room) this.#found(call);
  }

  /** The address is the room's, so that a reload finds the call again. */
  #found({ room, secret }: Call): void {
    this.room = room;
    this.secret = secret;
    if (room && location.pathname !== `/${room}`) history.pushState(null, '', roomPath(room, secret));
    this.#remember();
  }

  #refused(session: CallSession): void {
    if (this.dial) return this.dial.outgoing.fail();
    if (!session.ring) return this.#over(session, 'refused');
    if (this.parked) this.#over(session, 'start');
    else this.toStart();
    const retry = PASSING.includes(session.call.snapshot.refusal?.code ?? '');
    if (retry) this.say(t('incoming.retry'));
    this.phone.refused(session.ring, retry);
  }

  #ended(session: CallSession): void {
    if (this.dial) return this.dial.outgoing.fail();
    if (session.person) history.replaceState(null, '', '/');
    this.#over(session, 'after');
  }

  /** This call is no more. One that was on hold meanwhile comes back to the screen, still on hold. */
  #over(session: CallSession, screen: Screen): void {
    forgetSeat();
    this.own.follow(null);
    session.stop();
    this.answering = false;
    this.call = null;
    const { parked } = this;
    if (parked) {
      this.parked = null;
      this.#bringBack(parked);
      this.#remember();
      return this.say(t('call.parked.back', { name: session.peerName, other: parked.peerName }));
    }
    this.own.close();
    this.screen = screen;
  }

  #parkedChanged(session: CallSession): void {
    if (!['ended', 'refused'].includes(session.call.snapshot.phase)) return;
    this.parked = null;
    session.stop();
    this.#remember();
    this.say(t('call.parked.ended', { name: session.peerName }));
  }

  /** Somebody else, or another device of this person, has ended what rang here. */
  #ringOver(ring: IncomingRing, reason: RingOver): void {
    const text = ringOverText(reason, ring.stage === 'answering');
    if (text) this.say(t(text, { name: ring.from.name }));
  }

  /** Ends a call in whose place another screen or call comes at once. */
  #drop(session: CallSession): void {
    session.stop();
    if (this.session === session) this.session = null;
    forgetSeat();
    void session.call.hangup();
  }

  /** Away from calls, a lobby, or their remains. */
  protected leave(): void {
    this.own.follow(null);
    const { dial } = this;
    this.dial = null;
    dial?.outgoing.cancel();
    for (const session of [this.session, this.parked]) session?.stop();
    void this.parked?.call.hangup();
    this.session = null;
    this.parked = null;
    this.answering = false;
    // Closes what was made ready and not used; a call that was joined ends, or has ended already.
    void this.call?.hangup();
    this.call = null;
    this.joining = false;
    this.notice = '';
  }
}

function personIn({ person }: CallSession): Pick<Seat, 'person'> {
  return person ? { person: { user: person.user, name: person.name } } : {};
}
