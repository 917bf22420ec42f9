import { safeName } from './name.ts';
import { MAX_FILE_BYTES, PART_BYTES, type Said } from './wire.ts';

/**
 * Where a file is on its way.
 *
 * - `queued`: ours; so many others are offered that this one waits.
 * - `offered`: whoever is to get it has not answered.
 * - `moving`, `done`.
 * - `declined`: whoever was to get it does not want it.
 * - `cancelled` by this end, or `stopped` by the other one, before all of it had come.
 * - `failed`: the connection ended, or the file cannot be read.
 */
export type FileState = 'queued' | 'offered' | 'moving' | 'done' | 'declined' | 'cancelled' | 'stopped' | 'failed';

/** One file that was offered in a call. */
export interface FileLine {
  readonly id: string;
  readonly mine: boolean;
  /** Safe to keep it under. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** When it was offered, in milliseconds since the Unix epoch. */
  readonly atMs: number;
  readonly state: FileState;
  /** Bytes that have gone out, or come in. */
  readonly moved: number;
}

/** What is to be sent next. */
export interface Part {
  readonly id: string;
  readonly file: number;
  readonly offset: number;
  readonly length: number;
}

/** What is done with a part that has come. `late`: it was on its way when this end cancelled. */
export type Verdict = 'take' | 'last' | 'late' | 'wrong';

/** Offers of one end that may wait for an answer. */
export const MOST_OFFERED = 5;
/** Files of one end in one call. */
export const MOST_FILES = 50;

interface Entry {
  /** In the channel that is open; 0 while it is queued, and when it was of another channel. */
  number: number;
  line: FileLine;
  /** Bytes that came after this end had cancelled. */
  late: number;
}

const OVER: readonly FileState[] = ['done', 'declined', 'cancelled', 'stopped', 'failed'];

/**
 * The files of a call, both ways. Knows no channel, no clock and no content: what goes in is what people
 * do and what the other end says; what comes out is what to say, and which part to send.
 *
 * | whose | state | event | result |
 * | --- | --- | --- | --- |
 * | ours | queued | fewer than {@link MOST_OFFERED} are offered | offered |
 * | ours | offered | accept · decline | moving · declined |
 * | ours | moving | got, after all of it was sent · decline | done · stopped |
 * | ours | any but over | the person cancels | cancelled, withdraw |
 * | theirs | offered | the person accepts · declines | moving, accept · declined, decline |
 * | theirs | moving | the last byte · the person cancels | done, got · cancelled, decline |
 * | theirs | offered, moving | withdraw | stopped |
 * | any | any but over | the channel ends | failed |
 *
 * A message about a file that is over was on its way, and is ignored. What cannot be explained like that (a
 * number never offered or used again, a byte that was not accepted or is one too many, a part that is shorter than need be, more offers than
 * there may be) is `wrong`: no honest end says it, and nothing it says is believed after that.
 */
export class Files {
  #entries: Entry[] = [];
  #open = false;
  #mine = 0;
  #theirs = 0;

  /** All of them, oldest first; finished ones stay. Another array after each change. */
  get lines(): readonly FileLine[] {
    return this.#entries.map(({ line }) => line);
  }

  /** The other end can be talked to. */
  opened(): Said[] {
    this.#open = true;
    return this.#offerQueued();
  }

  /** The channel has ended; another one counts anew. */
  closed(): void {
    this.#open = false;
    this.#mine = 0;
    this.#theirs = 0;
    for (const entry of this.#entries) {
      entry.number = 0;
      if (!isOver(entry)) set(entry, { state: 'failed' });
    }
  }

  /** Offers a file; null when it cannot be: it is empty, too large, or there were too many. */
  offer(id: string, name: string, size: number, atMs: number): Said[] | null {
    if (!(size > 0 && size <= MAX_FILE_BYTES) || this.#count(true) >= MOST_FILES) return null;
    this.#add({ id, mine: true, name: safeName(name), size, atMs, state: 'queued', moved: 0 }, 0);
    return this.#offerQueued();
  }

  /** The person wants a file of theirs, or does not. */
  answer(id: string, accept: boolean): Said[] {
    const entry = this.#find(id);
    if (!entry || entry.line.mine || entry.line.state !== 'offered') return [];
    set(entry, { state: accept ? 'moving' : 'declined' });
    return [{ t: accept ? 'accept' : 'decline', file: entry.number }];
  }

  /** The person stops a file that is under way, either way. */
  cancel(id: string): Said[] {
    const entry = this.#find(id);
    if (!entry || isOver(entry)) return [];
    const { mine, state } = entry.line;
    if (!mine && state !== 'moving') return [];
    set(entry, { state: 'cancelled' });
    if (!mine) return [{ t: 'decline', file: entry.number }];
    return [...this.#withdraw(entry), ...this.#offerQueued()];
  }

  /** A file of ours cannot be read. */
  unreadable(id: string): Said[] {
    const entry = this.#find(id);
    if (!entry || isOver(entry)) return [];
    set(entry, { state: 'failed' });
    return [...this.#withdraw(entry), ...this.#offerQueued()];
  }

  /** What the other end says of files; null when it is wrong. `id` and `atMs` are for a file it offers. */
  heard(said: Said, id: string, atMs: number): Said[] | null {
    if (said.t === 'offer') return this.#heardOffer(said, id, atMs);
    if (said.t === 'hello' || said.t === 'reaction') return [];
    const mine = said.t !== 'withdraw';
    if (said.file > (mine ? this.#mine : this.#theirs)) return null;
    // One that is not shown was declined at once.
    const entry = this.#numbered(mine, said.file);
    if (entry && !isOver(entry) && !this.#heardOf(entry, said.t)) return null;
    return this.#offerQueued();
  }

  /** So many bytes of a file have come, one or more. */
  part(file: number, bytes: number): { readonly id: string; readonly verdict: Verdict } {
    const entry = this.#numbered(false, file);
    return { id: entry?.line.id ?? '', verdict: entry ? judge(entry, bytes) : 'wrong' };
  }

  /** What is to be sent next; null while there is nothing. One file goes after the other. */
  get next(): Part | null {
    const entry = this.#entries.find(({ line }) => line.mine && line.state === 'moving' && line.moved < line.size);
    if (!entry) return null;
    const { id, moved, size } = entry.line;
    return { id, file: entry.number, offset: moved, length: Math.min(PART_BYTES, size - moved) };
  }

  /** That part was sent. */
  sent({ id, length }: Part): void {
    const entry = this.#find(id);
    if (entry) set(entry, { moved: entry.line.moved + length });
  }

  #heardOffer({ file, name, size }: Extract<Said, { t: 'offer' }>, id: string, atMs: number): Said[] | null {
    if (file <= this.#theirs || this.#count(false, 'offered') >= MOST_OFFERED) return null;
    this.#theirs = file;
    const line: FileLine = { id, mine: false, name: safeName(name), size, atMs, state: 'offered', moved: 0 };
    if (size <= MAX_FILE_BYTES && this.#count(false) < MOST_FILES) {
      this.#add(line, file);
      return [];
    }
    // Not shown: nobody could do anything about it.
    return [{ t: 'decline', file }];
  }

  /** What follows for a file that is not over; false when it cannot be. */
  #heardOf(entry: Entry, t: 'accept' | 'decline' | 'withdraw' | 'got'): boolean {
    const { state, moved, size } = entry.line;
    const offered = state === 'offered';
    if (t === 'got' && (offered || moved < size)) return false;
    if (t === 'accept' && !offered) return false;
    const declined = offered ? 'declined' : 'stopped';
    set(entry, { state: ({ accept: 'moving', got: 'done', withdraw: 'stopped', decline: declined } as const)[t] });
    return true;
  }

  #offerQueued(): Said[] {
    const said: Said[] = [];
    for (const entry of this.#entries) {
      if (!this.#open || this.#count(true, 'offered') >= MOST_OFFERED) break;
      if (entry.line.state !== 'queued') continue;
      entry.number = ++this.#mine;
      set(entry, { state: 'offered' });
      said.push({ t: 'offer', file: entry.number, name: entry.line.name, size: entry.line.size });
    }
    return said;
  }

  #withdraw({ number }: Entry): Said[] {
    return number > 0 ? [{ t: 'withdraw', file: number }] : [];
  }

  #add(line: FileLine, number: number): void {
    this.#entries.push({ line, number, late: 0 });
  }

  #find(id: string): Entry | undefined {
    return this.#entries.find(({ line }) => line.id === id);
  }

  #numbered(mine: boolean, number: number): Entry | undefined {
    return this.#entries.find((entry) => entry.number === number && entry.line.mine === mine && number > 0);
  }

  #count(mine: boolean, state?: FileState): number {
    return this.#entries.filter(({ line }) => line.mine === mine && (!state || line.state === state)).length;
  }
}

function judge(entry: Entry, bytes: number): Verdict {
  const { state, moved, size } = entry.line;
  // Each is as long as it can be: a file in crumbs would take many times its size to keep.
  if (bytes !== Math.min(PART_BYTES, size - moved - entry.late)) return 'wrong';
  if (state === 'cancelled') {
    entry.late += bytes;
    return 'late';
  }
  if (state !== 'moving') return 'wrong';
  const all = moved + bytes === size;
  set(entry, { moved: moved + bytes, state: all ? 'done' : 'moving' });
  return all ? 'last' : 'take';
}

function isOver({ line }: Entry): boolean {
  return OVER.includes(line.state);
}

function set(entry: Entry, change: Partial<FileLine>): void {
  entry.line = { ...entry.line, ...change };
}
