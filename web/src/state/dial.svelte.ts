// One attempt to call a person: how it stands, how it ended, and the message one may leave.
import { RequestError, type Outgoing, type OutgoingSnapshot } from '../rtc/index.ts';
import type { Key } from './i18n/index.ts';
import type { Person } from './phone.svelte.ts';

/** Longer texts might not fit what the server takes, at three bytes a character. */
export const LONGEST_MESSAGE = 1000;

export class Dial {
  readonly person: Person;
  readonly video: boolean;
  readonly outgoing: Outgoing;
  snapshot: OutgoingSnapshot = $state.raw(null as never);
  /** Nothing can be heard or seen of the caller: nobody rings before they want that. */
  unheard = $state(false);
  message: 'none' | 'sending' | 'left' | 'failed' = $state('none');

  constructor(person: Person, video: boolean, outgoing: Outgoing) {
    this.person = person;
    this.video = video;
    this.outgoing = outgoing;
    this.snapshot = outgoing.snapshot;
    outgoing.subscribe((snapshot) => (this.snapshot = snapshot));
  }

  /** What is said under "Calling …". */
  readonly words: Key = $derived(
    this.snapshot.phase === 'ringing' ? 'calling.ringing' : this.snapshot.phase === 'idle' ? 'calling.devices' : 'calling.offered',
  );

  async leaveMessage(text: string): Promise<void> {
    if (this.message === 'sending' || this.message === 'left') return;
    this.message = 'sending';
    try {
      await this.outgoing.leaveMessage(text);
      this.message = 'left';
    } catch (error) {
      // Left already, and only the answer was lost.
      const twice = error instanceof RequestError && error.code === 'bad_state';
      this.message = twice ? 'left' : 'failed';
    }
  }
}

export interface Unanswered {
  title: Key;
  text: Key;
  /** A message makes sense: the person may want to know, and the server takes one. */
  message: boolean;
}

/** Why nobody is on the line, and what can be done. */
export function unansweredOf(end: OutgoingSnapshot['end']): Unanswered {
  switch (end?.how) {
    case 'declined':
      return { title: 'unanswered.declined.title', text: 'unanswered.declined.text', message: true };
    case 'busy':
      return { title: 'unanswered.busy.title', text: 'unanswered.busy.text', message: true };
    case 'no_answer':
      return { title: 'unanswered.no_answer.title', text: 'unanswered.no_answer.text', message: true };
    case 'refused':
      return end.code === 'rate_limited' || end.code === 'limit'
        ? { title: 'unanswered.often.title', text: 'unanswered.often.text', message: false }
        : { title: 'unanswered.refused.title', text: 'unanswered.refused.text', message: false };
    case 'cancelled':
      return { title: 'unanswered.cancelled.title', text: 'unanswered.cancelled.text', message: true };
    default:
      return { title: 'unanswered.unreachable.title', text: 'unanswered.unreachable.text', message: false };
  }
}
