// One call as the screens see it: the snapshots of src/rtc, and what follows from them.
import type { Call, CallSnapshot, PeerSnapshot, Quality, Trust } from '../rtc/index.ts';
import { playJoin, playLeave } from '../media/sounds.ts';
import { keepAwake } from '../media/wakeLock.ts';
import { converse, theirs, type Turn } from './conversation.ts';
import { bannerOf, type Banner } from './callState.ts';
import { follow } from './course.ts';
import { account } from './account.svelte.ts';
import { t } from './i18n/index.ts';
import { ScreenShare } from './screenShare.svelte.ts';
import type { Person } from './phone.svelte.ts';
import { preferences } from './preferences.svelte.ts';
import { Pins, type Standing } from './pins.ts';
import { lockOf, signsOf, type Lock } from './trust.ts';

/** After this long alone, the page asks politely whether the link arrived. */
const LONG_WAIT_MS = 120_000;

/** What somebody's coming sounds like comes after what it sets going: the first moments are the connection's. */
const CHIME_MS = 300;

/** Who holds the call: this end, the other one, or both. */
export type Hold = '' | 'here' | 'there' | 'both';

export class CallSession {
  snapshot: CallSnapshot = $state.raw(null as never);
  chatOpen = $state(false);
  now = $state(Date.now());
  /** Who was called, or has called. */
  person: Person | null = $state.raw(null);
  /** The figures of the last minutes with whoever is there. */
  course: readonly Quality[] = $state.raw([]);
  /** What was written and offered, in the order in which it came. */
  turns: readonly Turn[] = $state.raw([]);
  /** Altered messages, and uninvited participants, that the person was told of. */
  altered = 0;
  uninvited = 0;
  /** The ring that led here, for the one who was rung. */
  ring = '';
  /** What this end wants on when the call is taken off hold. */
  wanted: { audio: boolean; video: boolean } | null = null;
  /** What was found of the signs that were compared; another handshake has others. */
  #compared = $state.raw({ signs: '', match: false });
  /** What is remembered of the person's devices; null for who has no account, or talks to a guest. */
  #pins: Pins | null = null;
  /** The device that was met last, and how it stands. */
  #met: { key: string; standing: Standing } | null = $state.raw(null);
  #readTurns = $state(0);
  #since = Date.now();
  #ends: (() => void)[] = [];

  /** The screen of this end. */
  readonly share: ScreenShare;

  readonly peer: PeerSnapshot | null = $derived(this.snapshot.peers[0] ?? null);
  readonly peerName: string = $derived(this.peer?.name || this.person?.name || t('call.someone'));
  /** How the device they use now stands; null while it is not known, also right after another one. */
  readonly standing: Standing | null = $derived(
    this.#met && this.#met.key === this.peer?.trust?.key ? this.#met.standing : null,
  );
  readonly lock: Lock = $derived(lockOf(this.peer?.trust ?? null, this.comparison === 'match', this.standing));
  readonly hold: Hold = $derived(holdOf(this.snapshot));
  readonly alone: boolean = $derived(this.peer === null);
  readonly banner: Banner | null = $derived(
    bannerOf({
      ...this.snapshot,
      peerOnline: this.peer?.online ?? null,
      paused: { here: this.snapshot.me.media.paused === true, there: this.peer?.media.paused === true },
    }),
  );
  readonly elapsedMs: number | null = $derived(
    this.snapshot.startedAt === null ? null : Math.max(0, this.now - this.snapshot.startedAt),
  );
  readonly waitingLong: boolean = $derived(this.alone && this.now - this.#since > LONG_WAIT_MS);
  readonly unread: number = $derived(
    this.chatOpen ? 0 : theirs(this.turns) - this.#readTurns,
  );

  constructor(
    readonly call: Call,
    person: Person | null = null,
  ) {
    this.person = person;
    if (person && account.me) this.#pins = new Pins(account.me.user);
    if (person && this.#pins?.knows(person.user)) call.expectSealed();
    this.share = new ScreenShare(call);
    this.snapshot = call.snapshot;
    this.turns = converse([], this.snapshot);
    const clock = setInterval(() => (this.now = Date.now()), 1000);
    this.#ends = [call.subscribe(() => this.#changed(call.snapshot)), keepAwake(), () => clearInterval(clock)];
  }

  /** Whether the two have compared, and what they have seen. */
  get comparison(): 'match' | 'differ' | null {
    const signs = signsOf(this.peer?.trust ?? null);
    if (signs === '' || signs !== this.#compared.signs) return null;
    return this.#compared.match ? 'match' : 'differ';
  }

  compare(match: boolean): void {
    const trust = this.peer?.trust ?? null;
    this.#compared = { signs: signsOf(trust), match };
    if (match && trust && this.#isPerson(trust)) this.#pins?.met(trust.user, trust.key!, true);
  }

  /** Remembers the device at the other end; says how it stood when it is met for the first time in this call. */
  meet(): Standing | null {
    const trust = this.peer?.trust ?? null;
    if (!trust?.sealed || !trust.key || trust.key === this.#met?.key || !this.#pins) return null;
    // Who says to be somebody else than was called is nobody's device, and is not remembered.
    const standing = this.#isPerson(trust) ? this.#pins.standing(trust.user, trust.key) : 'new';
    this.#met = { key: trust.key, standing };
    if (this.#isPerson(trust)) this.#pins.met(trust.user, trust.key);
    return standing;
  }

  #isPerson({ key, user }: Trust): boolean {
    return key !== null && user === this.person?.user;
  }

  showChat(open: boolean): void {
    this.chatOpen = open;
    this.#readTurns = theirs(this.turns);
  }

  stop(): void {
    this.share.close();
    for (const end of this.#ends.splice(0)) end();
  }

  #changed(next: CallSnapshot): void {
    const [before, after] = [this.snapshot.peers.length, next.peers.length];
    const over = next.phase === 'ended' && this.snapshot.phase !== 'ended';
    const same = next.peers[0]?.participant === this.snapshot.peers[0]?.participant;
    this.course = follow(same ? this.course : [], next.peers[0]?.quality ?? null);
    this.snapshot = next;
    this.turns = converse(this.turns, next);
    if (after < before) this.#since = Date.now();
    if (!preferences.sounds) return;
    if (over || after < before) void playLeave(preferences.volume, preferences.speaker);
    else if (after > before) setTimeout(() => void playJoin(preferences.volume, preferences.speaker), CHIME_MS);
  }
}

export function holdOf({ me, peers }: Pick<CallSnapshot, 'me' | 'peers'>): Hold {
  const there = peers.some((peer) => peer.media.held === true);
  if (me.media.held) return there ? 'both' : 'here';
  return there ? 'there' : '';
}
