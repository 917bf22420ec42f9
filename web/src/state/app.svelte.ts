// The app as a whole: which page is shown, and how one leads to the next.
import type { Visit } from '../rtc/index.ts';
import { Calls } from './calls.svelte.ts';
import { embedded } from './embedded.ts';
import { t } from './i18n/index.ts';
import { onNetworkChange } from './network.ts';
import { newRoom, parseRoute, parseSecret, roomPath } from './route.ts';
import { leaveSeat, recallSeat } from './seat.ts';

export class App extends Calls {
  constructor() {
    super();
    this.#show();
    addEventListener('popstate', () => this.#back());
    addEventListener('pagehide', () => this.#hidden());
    addEventListener('pageshow', () => this.#visible());
    onNetworkChange(() => this.#networkChanged());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#visible();
      else leaveSeat(Date.now());
    });
  }

  /** "Start a call": a new room, its lobby, and the devices on, since this is a click. */
  start(): void {
    const [room, secret] = [newRoom(), newRoom()];
    history.pushState(null, '', roomPath(room, secret));
    this.#lobby(room, secret, true);
    void this.own.open();
  }

  /** "Join": turns on what is wanted and not on yet, then goes in. */
  async join(): Promise<void> {
    if (this.joining) return;
    this.joining = true;
    const call = this.call;
    const { own } = this;
    try {
      if (own.lacks) await own.open();
      // While the browser asked, the person may have gone to another lobby.
      if (this.screen !== 'lobby' || this.call !== call) return;
      // Nothing at all could be opened: the lobby says why, and offers to listen.
      if (!(own.lacks && own.nothing)) await this.enterFromLobby();
    } finally {
      if (this.call === call) this.joining = false;
    }
  }

  joinToListen(): void {
    if (this.joining) return;
    this.own.wanted = { audio: false, video: false };
    void this.enterFromLobby();
  }

  /** "Call again" and "Try again": the person, or the lobby of the same room; devices on, since this is a click. */
  again(): void {
    const person = this.dial?.person ?? this.session?.person;
    if (person) return void this.callPerson(person, this.dial?.video ?? this.own.wanted.video);
    this.#lobby(this.room, this.secret, this.started);
    void this.own.open();
  }

  /** To another page of the app. */
  go(path: string): void {
    // In a page of another site there is no other one.
    if (embedded) return this.#lobby(this.room, this.secret, false);
    history.pushState(null, '', path);
    this.#show();
  }

  /** Who is announced to join at once does; camera and microphone are as the server was told, and not the page. */
  protected admitted(visit: Visit | null): void {
    const first = this.visit === null;
    this.turnedAway = visit === null;
    if (!visit) return;
    this.visit = visit;
    if (!first || !visit.joinWith || this.screen !== 'lobby' || this.room !== visit.room) return;
    const { audio, video } = visit.joinWith;
    this.own.wanted = { audio, video };
    if (audio || video) void this.join();
    else this.enter();
  }

  #show(): void {
    const route = parseRoute(location.pathname);
    if (route.page !== 'room') {
      this.leave();
      this.own.close();
      this.line.release();
      this.room = '';
      this.secret = '';
      this.screen = route.page;
      return;
    }
    const seat = recallSeat(route.room);
    this.#lobby(route.room, parseSecret(location.hash), false);
    if (seat) void this.takeSeatBack(seat);
  }

  /** Going back must not end a call by accident (a swipe does it): the address returns instead. */
  #back(): void {
    const route = parseRoute(location.pathname);
    // Another secret is another link: somebody has put the whole of it in place of a broken one.
    const same = route.page === 'room' && route.room === this.room && parseSecret(location.hash) === this.secret;
    if (this.engaged && !same) {
      history.pushState(null, '', this.link);
      this.say(t('call.back.held'));
    } else if (!this.engaged && !same) {
      this.#show();
    }
  }

  #lobby(room: string, secret: string, started: boolean): void {
    this.leave();
    this.room = room;
    this.secret = secret;
    this.started = started;
    this.screen = 'lobby';
    // While somebody looks at the lobby, the line is opened and the connection made ready. A page
    // without a secure context has no keys to say hello with; the lobby says what to do.
    if (window.isSecureContext) this.follow({ room, secret }).prepare();
    void this.own.look();
  }

  #visible(): void {
    leaveSeat(null);
    this.line.wake();
  }

  #hidden(): void {
    leaveSeat(Date.now());
    (this.session ?? this.parked)?.call.closing();
  }

  #networkChanged(): void {
    this.line.probe();
    this.session?.call.networkChanged();
    this.parked?.call.networkChanged();
  }
}
