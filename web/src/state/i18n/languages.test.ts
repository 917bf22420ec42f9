import { afterEach, describe, expect, it } from 'vitest';
import { speak } from './current.svelte.ts';
import { fill } from './fill.ts';
import { language, plural, t } from './index.ts';
import { pickLanguage, pickLocale } from './languages.ts';

describe('the language', () => {
  it.each([
    [['de-AT', 'en'], 'de'],
    [['fr-FR', 'ar-EG', 'en-US'], 'ar'],
    [['DE_de'], 'de'],
    [['fr', 'ja'], 'en'],
    [['toString', '', 'constructor'], 'en'],
    [[], 'en'],
  ])('of %j is %s', (wanted, language) => {
    expect(pickLanguage(wanted)).toBe(language);
  });

  it.each([
    ['ar', ['en-US', 'ar-EG'], 'ar-EG'],
    ['en', ['de-DE', 'de'], 'en-DE'],
    ['de', ['de'], 'de'],
    ['en', [], 'en'],
    ['en', ['C.UTF-8'], 'en'],
    ['en', ['en-US@posix'], 'en'],
  ] as const)('%s of somebody who reads %j writes numbers as %s', (language, wanted, locale) => {
    expect(pickLocale(language, wanted)).toBe(locale);
  });
});

describe('what is put into a sentence', () => {
  it('is the parameter, and stays as it is where none is given', () => {
    expect(fill('{name} and {other}', { name: 'Ada' })).toBe('Ada and {other}');
  });

  it('cannot turn the words around it', () => {
    expect(fill('{name} is calling', { name: 'علي' })).toBe('\u2068علي\u2069 is calling');
    expect(fill('{name} is calling', { name: '\u202egnp' }), 'a hostile name').toBe('\u2068\u202egnp\u2069 is calling');
    expect(fill('اتصل {name}', { name: 'Ada' }, 'rtl')).toBe('اتصل \u2068Ada\u2069');
    expect(fill('{n} رسائل', { n: 5 }, 'rtl')).toBe('5 رسائل');
  });
});

describe('speaking', () => {
  afterEach(() => speak('en'));

  it('is another language when it is chosen, with its plurals', async () => {
    expect(t('call.hangup')).toBe('Hang up');
    expect(await speak('de')).toBe(true);
    expect([language(), t('call.hangup'), plural('delivery.attempts', 2)]).toEqual(['de', 'Auflegen', '2 Versuche']);
    await speak('ar');
    expect([1, 2, 3, 11].map((n) => plural('delivery.attempts', n).replace(/[\d٠-٩]+/, '#'))).toEqual([
      'محاولة واحدة',
      'محاولتان',
      '# محاولات',
      '# محاولة',
    ]);
  });

  it('is the one that was chosen last, whichever is loaded first', async () => {
    await Promise.all([speak('ar'), speak('en')]);
    expect(language()).toBe('en');
  });
});
