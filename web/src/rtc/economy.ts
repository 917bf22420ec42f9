/** One look at the way out. */
export interface Outlook {
  /** When, in milliseconds. */
  at: number;
  /** What the browser believes to fit, in bits per second; null where it does not say. */
  available: number | null;
  /** Part of the voice's packets that do not arrive, 0 to 1; null where nobody says. */
  loss: number | null;
  /** How long it takes there and back, in milliseconds; null where it is not known. */
  roundTripMs: number | null;
  /** Whether a picture is to be sent at all. */
  pictures: boolean;
}

/** What is sent. */
export interface Spending {
  /** Pictures beside the sound. */
  pictures: boolean;
  /** The voice twice. */
  redundancy: boolean;
}

/** What is sent waits in a queue if it takes so much longer than the quickest did; sound is late or lost then. */
const QUEUE_MS = 200;
/**
 * Below this, in bits per second, Chromium gives a picture little more than its least, whether that fits or not:
 * a voice needs 60,000 with everything around it, a picture 30,000 and more for what it repeats.
 */
const LEAST = 150_000;
/** More than this fits a picture, whatever was found before. */
const PLENTY = 250_000;
/** Pictures are paused after so long of that; less would pause for every hiccup, more would let the sound suffer. */
const PATIENCE_MS = 4_000;
/** What fits is not known before something is sent: a picture is tried again after so long, */
const PAUSE_MS = 15_000;
/** twice that after each failure, up to this, */
const LONGEST_PAUSE_MS = 40_000;
/** and has come back for good when it has stood for so long. */
const PROVEN_MS = 20_000;
/** Of so much loss something is heard, and of less nothing, with the browser's own repair alone. */
const LOSS = [0.01, 0.03] as const;
/** Loss comes and goes: the voice is sent twice until it was away for so long. */
const WARY_MS = 20_000;
/** Nor is it sent twice for so long after a queue: what is said twice takes twice the room. */
const MODEST_MS = 20_000;

/**
 * Decides what is sent, by what is measured of the way out.
 *
 * Loss without a queue is that of the way itself: the voice is sent twice, and to send less of anything would
 * save none of it. A queue is of our own making: the voice is sent once, and pictures that take its room
 * although the browser sends as little of them as it can are paused. Meanwhile, what the browser believes to
 * fit cannot grow much above what the voice uses; so once in a while the picture is tried, less often each
 * time that it fails.
 */
export class Economy {
  #spending: Spending = { pictures: true, redundancy: false };
  #quickest = Infinity;
  /** Since when the sound has suffered from the pictures; null while it does not. */
  #harmed: number | null = null;
  #pausedAt = -Infinity;
  #pause = PAUSE_MS;
  /** When the pictures were tried again; null when they have stood since, or were never paused. */
  #triedAt: number | null = null;
  #lostAt = -Infinity;
  #queuedAt = -Infinity;

  /** What is sent now; another object after each change. */
  get spending(): Spending {
    return this.#spending;
  }

  /** Takes a look. */
  look(outlook: Outlook): Spending {
    const queues = this.#queues(outlook);
    if (queues) this.#queuedAt = outlook.at;
    const { pictures, redundancy } = this.#spending;
    const next = {
      pictures: pictures ? !this.#harms(outlook, queues) : this.#tries(outlook, queues),
      redundancy: this.#repeats(outlook),
    };
    if (next.pictures !== pictures || next.redundancy !== redundancy) this.#spending = next;
    return this.#spending;
  }

  /** Perhaps another way, of which nothing is known: a picture is tried at the next look. */
  moved(): void {
    this.#quickest = Infinity;
    this.#pausedAt = -Infinity;
  }

  #queues({ roundTripMs }: Outlook): boolean {
    if (roundTripMs === null) return false;
    this.#quickest = Math.min(this.#quickest, roundTripMs);
    return roundTripMs > this.#quickest + QUEUE_MS;
  }

  /** Whether pictures have taken the sound's room for too long. */
  #harms({ at, available, pictures }: Outlook, queues: boolean): boolean {
    const harmed = pictures && queues && available !== null && available < LEAST;
    this.#harmed = harmed ? (this.#harmed ?? at) : null;
    if (lasts(this.#triedAt, at, PROVEN_MS)) this.#triedAt = null;
    if (!lasts(this.#harmed, at, PATIENCE_MS)) return false;
    this.#pause = this.#triedAt === null ? PAUSE_MS : Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    this.#pausedAt = at;
    return true;
  }

  /** Whether pictures that are paused are sent again. */
  #tries({ at, available, pictures }: Outlook, queues: boolean): boolean {
    const due = at - this.#pausedAt >= this.#pause && !queues;
    const fits = available !== null && available > PLENTY;
    if (pictures && !due && !fits) return false;
    this.#triedAt = pictures ? at : null;
    this.#harmed = null;
    return true;
  }

  #repeats({ at, loss }: Outlook): boolean {
    const [little, much] = LOSS;
    const redundancy = this.#spending.redundancy;
    if (loss !== null && loss >= (redundancy ? little : much)) this.#lostAt = at;
    return at - this.#lostAt < WARY_MS && at - this.#queuedAt >= MODEST_MS;
  }
}

const lasts = (since: number | null, at: number, ms: number): boolean => since !== null && at - since >= ms;
