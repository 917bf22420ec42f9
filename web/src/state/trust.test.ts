import { expect, it } from 'vitest';
import type { Trust } from '../rtc/index.ts';
import { t } from './i18n/index.ts';
import { lockOf, signsOf } from './trust.ts';

const sealed: Trust = { sealed: true, byLink: false, key: 'key', user: '', signs: [1, 2, 3, 4], altered: 0 };

it('says one of three things', () => {
  expect(t(lockOf({ ...sealed, byLink: true }, false).label)).toBe('End-to-end encrypted, verified by your link');
  expect(t(lockOf(sealed, true).label)).toBe('Verified');
  expect(t(lockOf(sealed, false).label)).toBe('Not verified');
});

it('says more about what is not verified', () => {
  const texts = [lockOf(null, true), lockOf({ ...sealed, sealed: null }, true), lockOf({ ...sealed, sealed: false }, true), lockOf(sealed, false)];
  expect(texts.map(({ label, text }) => [label, text])).toEqual([
    ['lock.none', 'lock.none.early'],
    ['lock.none', 'lock.none.early'],
    ['lock.none', 'lock.none.plain'],
    ['lock.none', 'lock.none.text'],
  ]);
});

it('knows devices of earlier calls', () => {
  expect(lockOf(sealed, false, 'verified')).toMatchObject({ state: 'compared', text: 'lock.compared.before' });
  expect(lockOf({ ...sealed, sealed: false }, false, 'verified').state).toBe('none');
  expect(lockOf(sealed, false, 'known')).toMatchObject({ state: 'none', text: 'lock.none.known' });
  expect(lockOf(sealed, false, 'new')).toMatchObject({ state: 'none', text: 'lock.none.new' });
  expect(lockOf(sealed, false, 'first')).toMatchObject({ state: 'none', text: 'lock.none.text' });
});

it('names the signs of a handshake', () => {
  expect([signsOf(sealed), signsOf({ ...sealed, signs: null }), signsOf(null)]).toEqual(['1 2 3 4', '', '']);
});
