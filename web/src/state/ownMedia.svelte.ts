// The person's own camera and microphone: open, off, unplugged, chosen. Nothing here opens a
// device by itself before somebody has clicked; `open` is called from clicks, and from a reload of
// a call that began with one.
import { open as openDevices, canCapture, type Wish } from '../media/capture.ts';
import { listDevices, NO_DEVICES, onDevicesChange, type Device, type Devices } from '../media/list.ts';
import { causeOf, joinProblems, type Cause, type DeviceProblem, type Kind } from './deviceProblem.ts';
import { preferences, prefer } from './preferences.svelte.ts';

const KINDS = ['audio', 'video'] as const;
type Per<T> = Record<Kind, T>;
type Tracks = Per<MediaStreamTrack | null>;

/** Whoever sends the tracks on: the call, once there is one. */
export interface Follower {
  track(kind: Kind, track: MediaStreamTrack | null): void;
  media(media: Per<boolean>): void;
  /** A device that was on stopped by itself, and there is no other to go on with. */
  lost(kind: Kind): void;
  /** A device stopped by itself, and this one has taken its place; empty where it has no name. */
  replaced(kind: Kind | 'speaker', name: string): void;
}

export class OwnMedia {
  tracks: Tracks = $state.raw({ audio: null, video: null });
  /** What the person wants on; a device that is missing does not change it. */
  wanted: Per<boolean> = $state.raw({ audio: true, video: true });
  devices: Devices = $state.raw(NO_DEVICES);
  opening = $state(false);
  /** Whether devices have been asked for, by a click, since the lobby opened. */
  asked = $state(false);
  facing: 'user' | 'environment' = $state('user');
  #causes: Per<Cause | null> = $state.raw({ audio: null, video: null });
  /** Wanted on entering the call and not there: wanted again in the next lobby. */
  #missed: Per<boolean> = { audio: false, video: false };
  #follower: Follower | null = null;
  /** Counts up whenever what is being opened is no longer wanted. */
  #turn = 0;
  #inFlight: Promise<void> | null = null;

  readonly media: Per<boolean> = $derived({
    audio: this.wanted.audio && this.tracks.audio !== null,
    video: this.wanted.video && this.tracks.video !== null,
  });
  readonly problems: DeviceProblem[] = $derived(
    joinProblems(KINDS.flatMap((kind) => (this.#causes[kind] ? [{ kinds: [kind], cause: this.#causes[kind] }] : []))),
  );
  readonly preview: MediaStream | null = $derived(this.tracks.video && new MediaStream([this.tracks.video]));
  /** Nothing can be captured: no device, no permission, or no secure context. */
  readonly nothing: boolean = $derived(this.#causes.audio !== null && this.#causes.video !== null);
  /** Something is wanted that is not there. */
  readonly lacks: boolean = $derived(KINDS.some((kind) => this.wanted[kind] && this.tracks[kind] === null));
  /** The speaker that was chosen, while it is there; empty is the system's. Before anything was allowed, none has an id. */
  readonly speaker: string = $derived(
    this.devices.speakers.some(({ id }) => id !== '') && !this.devices.speakers.some(({ id }) => id === preferences.speaker)
      ? ''
      : preferences.speaker,
  );
  /** Nothing is open: nobody can hear or see this person. */
  readonly silent: boolean = $derived(this.tracks.audio === null && this.tracks.video === null);
  readonly canFlip: boolean = $derived(this.devices.cameras.length > 1 && matchMedia('(pointer: coarse)').matches);

  /** Why a device is not there, if it is not. */
  causeOf(kind: Kind): Cause | null {
    return this.#causes[kind];
  }

  constructor() {
    void this.#refresh();
    onDevicesChange(() => void this.#devicesChanged());
  }

  follow(follower: Follower | null): void {
    this.#follower = follower;
    for (const kind of KINDS) if (this.tracks[kind]) follower?.track(kind, this.tracks[kind]);
    follower?.media(this.media);
  }

  /**
   * In a call from here on: a press on a control may open its device, and what is not on now stays
   * off until then. A camera shown as off must not come on by being plugged in.
   */
  enterCall(): void {
    this.asked = true;
    // After a reload the devices may still be starting.
    if (this.opening) return;
    const { wanted, media } = this;
    this.#missed = { audio: wanted.audio && !media.audio, video: wanted.video && !media.video };
    this.wanted = { ...media };
  }

  /** Opens what is wanted of these and not open yet, with one question to the person at most. */
  open(kinds: readonly Kind[] = KINDS): Promise<void> {
    this.asked = true;
    // Pressed again while the browser still asks: the same question, not a second one.
    if (this.#inFlight) return this.#inFlight;
    const flight = this.#open(kinds).finally(() => {
      if (this.#inFlight === flight) this.#inFlight = null;
    });
    return (this.#inFlight = flight);
  }

  async #open(asked: readonly Kind[]): Promise<void> {
    if (!canCapture()) {
      this.#causes = { audio: 'insecure', video: 'insecure' };
      return;
    }
    const turn = ++this.#turn;
    this.opening = true;
    await this.#refresh();
    const kinds = this.#openable(asked);
    if (kinds.length && turn === this.#turn) await this.#openAll(kinds, turn);
    if (turn === this.#turn) this.opening = false;
    // Names of devices are told only now that the person has agreed.
    await this.#refresh();
  }

  /** Turns everything off: the lights at the devices go out. */
  close(): void {
    this.#turn++;
    this.#inFlight = null;
    this.opening = false;
    for (const kind of KINDS) this.#put(kind, null);
    this.#causes = { audio: null, video: null };
    const { wanted } = this;
    this.wanted = { audio: wanted.audio || this.#missed.audio, video: wanted.video || this.#missed.video };
    this.#missed = { audio: false, video: false };
    this.asked = false;
    void this.#refresh();
  }

  async setOn(kind: Kind, on: boolean): Promise<void> {
    this.wanted = { ...this.wanted, [kind]: on };
    this.#missed = { ...this.#missed, [kind]: false };
    // A muted microphone stays open, to be back at once; a camera that is off is really off.
    if (kind === 'video' && !on) this.#put('video', null);
    if (this.tracks.audio) this.tracks.audio.enabled = this.wanted.audio;
    const lacks = () => on && this.asked && !this.tracks[kind];
    if (lacks()) await this.open([kind]);
    // What was being opened already may have left this one out.
    if (lacks() && this.#causes[kind] === null) await this.open([kind]);
    this.#follower?.media(this.media);
  }

  async choose(kind: Kind, device: string): Promise<void> {
    prefer(kind === 'video' ? { camera: device } : { microphone: device });
    await this.#reopen(kind);
  }

  /** What the browser does to the sound of the microphone has been changed in the preferences. */
  async reprocess(): Promise<void> {
    await this.#reopen('audio');
  }

  async flip(): Promise<void> {
    this.facing = this.facing === 'user' ? 'environment' : 'user';
    prefer({ camera: '' });
    await this.#reopen('video');
  }

  /** The device a track comes from, as far as the browser says. */
  current(kind: Kind): string {
    const chosen = kind === 'video' ? preferences.camera : preferences.microphone;
    return this.tracks[kind]?.getSettings().deviceId ?? chosen;
  }

  #list(kind: Kind): Device[] {
    return kind === 'video' ? this.devices.cameras : this.devices.microphones;
  }

  #openable(asked: readonly Kind[]): Kind[] {
    const missing = asked.filter((kind) => this.#list(kind).length === 0);
    for (const kind of missing) this.#fail(kind, 'missing');
    return asked.filter((kind) => this.wanted[kind] && !this.tracks[kind] && !missing.includes(kind));
  }

  #wish(kind: Kind): Wish {
    if (kind === 'audio') {
      const { microphone, cancelEcho, suppressNoise, evenLevel } = preferences;
      return { device: microphone, sound: { echo: cancelEcho, noise: suppressNoise, level: evenLevel } };
    }
    return { device: preferences.camera, facing: preferences.camera ? undefined : this.facing };
  }

  async #openAll(kinds: Kind[], turn: number): Promise<void> {
    try {
      this.#take(await openDevices(Object.fromEntries(kinds.map((k) => [k, this.#wish(k)]))), turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      if (kinds.length > 1) await this.#openApart(kinds, causeOf(error), turn);
      else this.#fail(kinds[0]!, causeOf(error));
    }
  }

  /** Both together failed: finds out which, so that one bad device does not take the other along. */
  async #openApart(kinds: Kind[], cause: Cause, turn: number): Promise<void> {
    for (const kind of kinds) {
      // Asking again after a "no" would be a second prompt, unless the "no" is about the other one.
      const final = cause === 'denied' && !(await this.#otherWasDenied(kind));
      if (turn !== this.#turn) return;
      if (final) this.#fail(kind, 'denied');
      else await this.#openAll([kind], turn);
    }
  }

  /** This one is allowed, or nobody was asked about it because the other is blocked for good. */
  async #otherWasDenied(kind: Kind): Promise<boolean> {
    const mine = await this.#permission(kind);
    if (mine !== 'prompt') return mine === 'granted';
    return (await this.#permission(kind === 'video' ? 'audio' : 'video')) === 'denied';
  }

  /** Null where the browser does not say. */
  async #permission(kind: Kind): Promise<PermissionState | null> {
    const name = (kind === 'video' ? 'camera' : 'microphone') as PermissionName;
    const status = await navigator.permissions?.query({ name }).catch(() => null);
    return status?.state ?? null;
  }

  #take(opened: Partial<Per<MediaStreamTrack>>, turn: number): void {
    for (const kind of KINDS) {
      const track = opened[kind];
      if (!track) continue;
      // A camera switched off while it was starting stays off; a microphone is merely muted.
      if (turn === this.#turn && (kind === 'audio' || this.wanted[kind])) this.#put(kind, track);
      else track.stop();
    }
  }

  /** Puts a track (or none) in the place of the one there is. */
  #put(kind: Kind, track: MediaStreamTrack | null): void {
    const old = this.tracks[kind];
    if (old === track) return;
    if (track) {
      track.enabled = this.wanted[kind];
      track.onended = () => this.#ended(kind, track);
      this.#causes = { ...this.#causes, [kind]: null };
    }
    this.tracks = { ...this.tracks, [kind]: track };
    this.#follower?.track(kind, track);
    this.#follower?.media(this.media);
    if (old) {
      old.onended = null;
      old.stop();
    }
  }

  #fail(kind: Kind, cause: Cause): void {
    this.#causes = { ...this.#causes, [kind]: cause };
  }

  async #reopen(kind: Kind): Promise<void> {
    // A muted microphone stays open, so it is changed as well.
    if (!this.asked || !(this.wanted[kind] || this.tracks[kind])) return;
    // Many phones cannot hold two cameras open at a time: the old one is let go first.
    if (kind === 'video') this.tracks.video?.stop();
    const turn = this.#turn;
    try {
      this.#take(await openDevices({ [kind]: this.#wish(kind) }), turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      if (kind === 'video') this.#put('video', null);
      // The microphone there was goes on: nothing is lost, and nothing to be told.
      if (!this.tracks[kind]) this.#fail(kind, causeOf(error));
    }
    await this.#refresh();
  }

  /** A track ended without us: unplugged, or the permission was taken back. */
  async #ended(kind: Kind, track: MediaStreamTrack): Promise<void> {
    if (this.tracks[kind] !== track) return;
    this.#put(kind, null);
    this.#fail(kind, 'unplugged');
    await this.#refresh();
    if (this.#list(kind).length && (await this.#permission(kind)) === 'granted') await this.open([kind]);
    const next = this.tracks[kind];
    if (next) this.#follower?.replaced(kind, next.label);
    else if (this.wanted[kind] && this.#causes[kind] !== null) this.#follower?.lost(kind);
  }

  async #devicesChanged(): Promise<void> {
    const speaker = this.speaker;
    await this.#refresh();
    // Elements that play follow it to the system's speaker.
    if (speaker && !this.speaker) this.#follower?.replaced('speaker', '');
    for (const kind of KINDS) {
      const cause = this.#causes[kind];
      const back = (cause === 'missing' || cause === 'unplugged') && this.#list(kind).length > 0;
      if (back) this.#causes = { ...this.#causes, [kind]: null };
      // It was asked for by a click before, so the one plugged in now is welcome at once.
      if (back && this.asked && this.wanted[kind] && !this.opening) await this.open([kind]);
    }
  }

  async #refresh(): Promise<void> {
    this.devices = await listDevices();
  }

  /** Says what can be known without asking: no devices at all, or a page that may not have them. */
  async look(): Promise<void> {
    if (!canCapture()) {
      this.#causes = { audio: 'insecure', video: 'insecure' };
      return;
    }
    await this.#refresh();
    for (const kind of KINDS) if (!this.#list(kind).length) this.#fail(kind, 'missing');
  }
}
