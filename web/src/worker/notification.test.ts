import { describe, expect, it } from 'vitest';
import { readMessage, type PushMessage } from './message.ts';
import { pictureOf, tagOf, type Circumstances } from './notification.ts';

const RING = 'R1i4N7g0R3i6N9g2R5i8Ng';
const NOW = 1_800_000_000_000;
const calm: Circumstances = { now: NOW, knownOver: false, watched: false, language: 'en' };
const ring: PushMessage = { kind: 'ring', ring: RING, name: 'Ada', video: true, expiresAt: NOW + 45_000 };

describe('a message', () => {
  it('is read as the server writes it, with spaces behind', () => {
    const text = `{"kind":"ring","ring":"${RING}","name":"Ada","video":true,"expires_ms":${NOW + 45_000}}      `;
    expect(readMessage(text)).toEqual(ring);
    const end = `{"kind":"over","ring":"${RING}","name":"Ada","reason":"missed"}`;
    expect(readMessage(end)).toEqual({ kind: 'over', ring: RING, name: 'Ada', reason: 'missed' });
  });

  it.each(['', '{', 'null', '[]', '"ring"', '{"kind":"ring"}', `{"kind":"fax","ring":"${RING}","name":"Ada"}`,
    `{"kind":"over","ring":"${RING}","name":"Ada","reason":"toString"}`])('that is none of ours is nothing: %s', (text) => {
    expect(readMessage(text)).toBeNull();
  });
});

describe('a notification', () => {
  it('says who calls, stays until it is answered, and offers both', () => {
    const { title, options } = pictureOf(ring, calm);
    expect(title).toBe('Ada');
    expect(options.body).toBe('Incoming video call');
    expect(options.tag).toBe(tagOf(RING));
    expect(options.requireInteraction).toBe(true);
    expect(options.actions?.map(({ action }) => action)).toEqual(['answer', 'decline']);
    expect(options.vibrate?.length).toBeGreaterThan(0);
    expect(options.silent).toBeUndefined();
    expect(options.data).toEqual({ ring: RING, over: false });
  });

  it('is silent, and so still, where the app itself rings', () => {
    const { options } = pictureOf(ring, { ...calm, watched: true });
    expect(options.silent).toBe(true);
    expect(options.vibrate).toBeUndefined();
  });

  it.each([
    ['answered_elsewhere', 'Answered on another device', 'Call from Ada'],
    ['declined_elsewhere', 'Declined on another device', 'Call from Ada'],
    ['missed', 'Missed call from Ada', ''],
  ] as const)('of the end takes the place of the beginning: %s', (reason, title, body) => {
    const picture = pictureOf({ kind: 'over', ring: RING, name: 'Ada', reason }, calm);
    expect(picture.title).toBe(title);
    expect(picture.options.body).toBe(body);
    expect(picture.options.tag).toBe(tagOf(RING));
    expect(picture.options.silent).toBe(true);
    expect(picture.options.requireInteraction).toBeUndefined();
    expect(picture.options.actions).toBeUndefined();
  });

  it('does not ring for what is long over, or is known to be', () => {
    for (const late of [{ ...calm, now: NOW + 45_000 + 60_001 }, { ...calm, knownOver: true }]) {
      expect(pictureOf(ring, late).title).toBe('Missed call from Ada');
    }
    expect(pictureOf(ring, { ...calm, now: NOW + 46_000 }).title, 'clocks differ').toBe('Ada');
  });

  it('is shown also for what cannot be read', () => {
    expect(pictureOf(null, calm).title).toBe('Dialtone');
  });

  it('speaks the language of the person, in its direction', () => {
    const german = pictureOf(ring, { ...calm, language: 'de' }).options;
    expect(german).toMatchObject({ body: 'Eingehender Videoanruf', lang: 'de', dir: 'ltr' });
    const { title, options } = pictureOf({ kind: 'over', ring: RING, name: 'Ada', reason: 'missed' }, { ...calm, language: 'ar' });
    expect(title, 'a name in other letters does not turn the sentence').toContain('\u2068Ada\u2069');
    expect(options).toMatchObject({ lang: 'ar', dir: 'rtl' });
  });
});
