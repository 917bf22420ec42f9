// How a push message is shown. Every one of them has to be: that is what the permission is for.
import { fill } from '../state/i18n/fill.ts';
import { languages, type Language } from '../state/i18n/languages.ts';
import { workerTexts } from '../state/i18n/worker.ts';
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

const OVER = {
  answered_elsewhere: 'worker.answered',
  declined_elsewhere: 'worker.declined',
  missed: null,
} as const satisfies Record<OverReason, string | null>;

/** The tag of a ring's notification: what comes of the ring takes the place of its beginning. */
export function tagOf(ring: string): string {
  return `dialtone-ring-${ring}`;
}

export interface Circumstances {
  now: number;
  /** The end of the ring has been shown before, and its beginning comes late. */
  knownOver: boolean;
  /** A page of the app is looked at, and rings by itself. */
  watched: boolean;
  language: Language;
}

/** What is shown for a message. */
export function pictureOf(message: PushMessage | null, { now, knownOver, watched, language }: Circumstances): Picture {
  if (!message) return unknown(language);
  if (message.kind === 'over') return over(message.ring, message.name, message.reason, language);
  const late = knownOver || now > message.expiresAt + CLOCKS_DIFFER_MS;
  if (late) return over(message.ring, message.name, 'missed', language);
  return ringing(message.ring, message.name, message.video, watched, language);
}

function ringing(ring: string, name: string, video: boolean, watched: boolean, language: Language): Picture {
  const texts = workerTexts[language];
  return {
    title: name,
    options: {
      ...common(ring, false, language),
      body: texts[video ? 'worker.incoming.video' : 'worker.incoming.audio'],
      requireInteraction: true,
      actions: [
        { action: 'answer', title: texts['worker.answer'] },
        { action: 'decline', title: texts['worker.decline'] },
      ],
      // A silent notification may not vibrate either.
      ...(watched ? { silent: true } : { vibrate: VIBRATION }),
    },
  };
}

function over(ring: string, name: string, reason: OverReason, language: Language): Picture {
  const texts = workerTexts[language];
  const named = (text: string) => fill(text, { name }, languages[language].dir);
  const elsewhere = OVER[reason];
  return {
    title: elsewhere ? texts[elsewhere] : named(texts['worker.missed']),
    options: {
      ...common(ring, true, language),
      body: elsewhere ? named(texts['worker.from']) : '',
      // It takes the place of what rang: nothing new that anybody has to be called for.
      silent: true,
    },
  };
}

function unknown(language: Language): Picture {
  const texts = workerTexts[language];
  return {
    title: texts['worker.unknown.title'],
    options: { body: texts['worker.unknown.text'], icon: ICON, tag: 'dialtone', silent: true, ...written(language) },
  };
}

function common(ring: string, isOver: boolean, language: Language): NotificationOptions {
  const data: Shown = { ring, over: isOver };
  return { tag: tagOf(ring), icon: ICON, badge: ICON, data, ...written(language) };
}

const written = (language: Language): NotificationOptions => ({ lang: language, dir: languages[language].dir });
