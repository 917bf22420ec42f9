// The app as a whole: which screen is shown, and how one leads to the next.
import { consoleLog, type Call } from '../rtc/index.ts';
import { CallSession } from './session.svelte.ts';
import { OwnMedia } from './ownMedia.svelte.ts';
import { Server } from './server.ts';
import { callStateOf, type CallState, type Screen } from './callState.ts';
import { browserKind, problemText, type Kind } from './deviceProblem.ts';
import { endedReason } from './endings.ts';
import { t } from './i18n/index.ts';
import { cleanName } from './name.ts';
import { prefer, preferences } from './preferences.svelte.ts';
import { newRoom, parseRoute, roomLink } from './route.ts';
import { forgetSeat, leaveSeat, recallSeat, rememberSeat, type Seat } from './seat.ts';

/** How long a reload waits for the camera before it takes its seat back without. */
const DEVICES_MS = 1500;

export class App {
  screen: Screen = $state('start');
  room = $state('');
  /** Whether this person started the call, rather than opened a link. */
  started = $state(false);
  joining = $state(false);
  /** A sentence that passes by: said once, shown for some seconds. */
  notice = $state('');
  /** Whether the server cannot be reached. */
  offline = $state(false);
  session: CallSession | null = $state.raw(null);
  readonly own = new OwnMedia();
  /** Null until a lobby is opened: the start page needs no line. */
  #server: Server | null = null;
  /** Made ready in the lobby, so that joining finds everything prepared. */
  #call: Call | null = null;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;

  readonly link: string = $derived(roomLink(location.origin, this.room, location.hash));
  readonly callState: CallState = $derived(callStateOf(this.screen, this.session?.snapshot.phase ?? null));
  readonly path: string = $derived((this.screen === 'call' && this.session?.peer?.path) || '');
  readonly peers: number = $derived(this.screen === 'call' ? (this.session?.snapshot.peers.length ?? 0) : 0);
  readonly endedReason: string = $derived(endedReason(this.session?.snapshot ?? null));

  constructor() {
    this.#show();
    addEventListener('popstate', () => this.#back());
    addEventListener('pagehide', () => this.#hidden());
    addEventListener('pageshow', () => this.#visible());
    addEventListener('online', () => this.#networkChanged());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#visible();
      else leaveSeat(Date.now());
    });
  }

  /** "Start a call": a new room, its lobby, and the devices on, since this is a click. */
  start(): void {
    const room = newRoom();
    history.pushState(null, '', `/${room}`);
    this.#lobby(room, true);
    void this.own.open();
  }

  /** "Join": turns on what is wanted and not on yet, then goes in. */
  async join(): Promise<void> {
    if (this.joining) return;
    this.joining = true;
    const call = this.#call;
    try {
      const { own } = this;
      const lacks = () => (own.wanted.audio && !own.tracks.audio) || (own.wanted.video && !own.tracks.video);
      if (lacks()) await own.open();
      // While the browser asked, the person may have gone to another lobby.
      if (this.screen !== 'lobby' || this.#call !== call) return;
      // Nothing at all could be opened: the lobby says why, and offers to listen.
      if (!(lacks() && own.nothing)) this.#enter();
    } finally {
      if (this.#call === call) this.joining = false;
    }
  }

  joinToListen(): void {
    this.own.wanted = { audio: false, video: false };
    this.#enter();
  }

  /** Microphone or camera on or off, in a call. What cannot be turned on is said. */
  async toggle(kind: Kind): Promise<void> {
    const { own } = this;
    const on = !own.media[kind];
    await own.setOn(kind, on);
    if (!on || own.tracks[kind]) return;
    own.wanted = { ...own.wanted, [kind]: false };
    this.#sayProblem(kind);
  }

  hangUp(): void {
    // Pressed while a reload waits for the devices: only who is in can leave.
    if (!this.session) this.#enter();
    void this.session?.call.hangup();
  }

  /** "Call again" and "Try again": the lobby of the same room, devices on, since this is a click. */
  again(): void {
    this.#lobby(this.room, this.started);
    void this.own.open();
  }

  toStart(): void {
    history.pushState(null, '', '/');
    this.#show();
  }

  say(notice: string): void {
    this.notice = notice;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => (this.notice = ''), 8000);
  }

  #sayProblem(kind: Kind): void {
    const cause = this.own.causeOf(kind);
    if (!cause) return;
    const text = problemText({ cause, kinds: [kind] }, browserKind(navigator.userAgent, navigator.maxTouchPoints));
    this.say(`${t(text.title)}. ${t(text.mend)}`);
  }

  #show(): void {
    const route = parseRoute(location.pathname);
    if (route.page !== 'room') {
      this.#leave();
      this.own.close();
      this.#server?.stop();
      this.room = '';
      this.screen = route.page;
      return;
    }
    const seat = recallSeat(route.room);
    this.#lobby(route.room, false);
    if (seat) void this.#takeSeatBack(seat);
  }

  /** Going back must not end a call by accident (a swipe does it): the address returns instead. */
  #back(): void {
    const inCall = this.screen === 'call';
    const route = parseRoute(location.pathname);
    const same = route.page === 'room' && route.room === this.room;
    if (inCall && !same) {
      history.pushState(null, '', this.link);
      this.say(t('call.back.held'));
    } else if (!inCall && !same) {
      this.#show();
    }
  }

  #lobby(room: string, started: boolean): void {
    this.#leave();
    this.room = room;
    this.started = started;
    this.screen = 'lobby';
    // A page without a secure context has no keys to say hello with; the lobby says what to do.
    if (window.isSecureContext) this.#prepare(room);
    void this.own.look();
  }

  /** While somebody looks at the lobby, the line is opened and the connection made ready. */
  #prepare(room: string): void {
    this.#server ??= new Server((state) => (this.offline = state === 'offline'));
    this.#server.start();
    const call = this.#server.call({ room }, () => cleanName(preferences.name, t('lobby.name.guest')));
    this.#call = call;
    call.prepare();
    this.own.follow({
      track: (kind, track) => {
        call.setTrack(kind, track).catch((error: unknown) => consoleLog(`${kind} could not be sent`, error));
      },
      media: (media) => {
        void call.setMedia(media);
        if (this.session?.call === call) this.#remember();
      },
      lost: (kind) => this.session?.call === call && this.#sayProblem(kind),
    });
  }

  async #takeSeatBack(seat: Seat): Promise<void> {
    this.screen = 'call';
    this.own.wanted = seat.media;
    prefer({ name: seat.name });
    const late = new Promise((done) => setTimeout(done, DEVICES_MS));
    if (seat.media.audio || seat.media.video) await Promise.race([this.own.open(), late]);
    if (this.screen === 'call' && !this.session) this.#enter();
  }

  #enter(): void {
    const call = this.#call;
    if (!call) return;
    const session = new CallSession(call);
    this.session = session;
    this.screen = 'call';
    this.own.enterCall();
    this.#remember();
    call.subscribe(() => this.#changed(session));
    void call.join();
  }

  /** What a reload restores is what the person has on, even if a device was just unplugged. */
  #remember(): void {
    rememberSeat({ room: this.room, name: preferences.name, media: { ...this.own.wanted } });
  }

  #changed(session: CallSession): void {
    if (session !== this.session || this.screen !== 'call') return;
    const { phase } = session.call.snapshot;
    if (phase !== 'ended' && phase !== 'refused') return;
    forgetSeat();
    this.own.follow(null);
    this.own.close();
    session.stop();
    this.#call = null;
    this.screen = phase === 'ended' ? 'after' : 'refused';
  }

  #visible(): void {
    leaveSeat(null);
    this.#server?.probe();
  }

  #hidden(): void {
    leaveSeat(Date.now());
    this.session?.call.closing();
  }

  #networkChanged(): void {
    this.#server?.probe();
    this.session?.call.networkChanged();
  }

  /** Away from a call, a lobby, or their remains. */
  #leave(): void {
    this.own.follow(null);
    this.session?.stop();
    this.session = null;
    // Closes what was made ready and not used; a call that was joined has ended already.
    void this.#call?.hangup();
    this.#call = null;
    this.joining = false;
    this.notice = '';
  }
}
