// How a push message is shown. Every one of them has to be: that is what the permission is for.
import { enWorker } from '../state/i18n/en.worker.ts';
import { fill } from '../state/i18n/fill.ts';
import type { OverReason, PushMessage } from './message.ts';

/** What a notification remembers for when it is clicked. */
export interface Shown {
  ring: string;
  over: boolean;
}

/** Not in every browser, and so not in its types. */
interface Action {
  action: 'answer' | 'decline';
  title: string;
}

export interface Picture {
  title: string;
  options: NotificationOptions & { vibrate?: number[]; renotify?: boolean; actions?: Action[] };
}

/** A clock that is wrong by less than this does not turn a call into a missed one. */
const CLOCKS_DIFFER_MS = 60_000;
/** Long, short, long: a call, and not a message. */
const VIBRATION = [800, 400, 800, 400, 800];
const ICON = '/icon-192.png';

const OVER: Readonly<Record<OverReason, string>> = {
  answered_elsewhere: enWorker['worker.answered'],
  declined_elsewhere: enWorker['worker.declined'],
  missed: '',
};

/** The tag of a ring's notification: what comes of the ring takes the place of its beginning. */
export function tagOf(ring: string): string {
  return `dialtone-ring-${ring}`;
}

/**
 * What is shown for a message. `knownOver`: the end of the ring has been shown before, and its
 * beginning comes late. `watched`: a page of the app is looked at, and rings by itself.
 */
export function pictureOf(
  message: PushMessage | null,
  { now, knownOver, watched }: { now: number; knownOver: boolean; watched: boolean },
): Picture {
  if (!message) return unknown();
  if (message.kind === 'over') return over(message.ring, message.name, message.reason);
  const late = knownOver || now > message.expiresAt + CLOCKS_DIFFER_MS;
  if (late) return over(message.ring, message.name, 'missed');
  return ringing(message.ring, message.name, message.video, watched);
}

function ringing(ring: string, name: string, video: boolean, watched: boolean): Picture {
  return {
    title: name,
    options: {
      ...common(ring, false),
      body: enWorker[video ? 'worker.incoming.video' : 'worker.incoming.audio'],
      requireInteraction: true,
      actions: [
        { action: 'answer', title: enWorker['worker.answer'] },
        { action: 'decline', title: enWorker['worker.decline'] },
      ],
      // A silent notification may not vibrate either.
      ...(watched ? { silent: true } : { vibrate: VIBRATION }),
    },
  };
}

function over(ring: string, name: string, reason: OverReason): Picture {
  const missed = fill(enWorker['worker.missed'], { name });
  return {
    title: OVER[reason] || missed,
    options: {
      ...common(ring, true),
      body: OVER[reason] ? fill(enWorker['worker.from'], { name }) : '',
      // It takes the place of what rang: nothing new that anybody has to be called for.
      silent: true,
    },
  };
}

function unknown(): Picture {
  return {
    title: enWorker['worker.unknown.title'],
    options: { body: enWorker['worker.unknown.text'], icon: ICON, tag: 'dialtone', silent: true },
  };
}

function common(ring: string, isOver: boolean): NotificationOptions {
  const data: Shown = { ring, over: isOver };
  return { tag: tagOf(ring), icon: ICON, badge: ICON, data };
}
