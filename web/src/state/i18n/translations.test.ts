// Every language says everything, about the same things.
import { describe, expect, it } from 'vitest';
import { ar } from './ar.ts';
import { de } from './de.ts';
import { en } from './en.ts';
import { asideTexts } from './aside.ts';
import { checkTexts } from './check.ts';
import { codes, type Language } from './languages.ts';
import { workerTexts } from './worker.ts';

type Texts = Readonly<Record<string, string>>;
const all: Readonly<Record<Language, Texts>> = { en, de, ar };

const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();
/** `key` where the texts have `key.one` and `key.other`: a count. */
const counted = (texts: Texts) =>
  Object.keys(texts)
    .filter((key) => key.endsWith('.one') && key.replace(/one$/, 'other') in texts)
    .map((key) => key.slice(0, -'.one'.length));
const FORMS = /\.(zero|one|two|few|many|other)$/;

describe.each(codes)('%s', (language) => {
  it.each([
    ['the app', en, all[language]],
    ['the service worker', workerTexts.en, workerTexts[language]],
    ['the check', checkTexts.en, checkTexts[language]],
    ['files and reactions', asideTexts.en, asideTexts[language]],
  ] as [string, Texts, Texts][])('has the keys and placeholders of English, for %s', (_what, english, texts) => {
    const counts = new Set(counted(english));
    const single = (key: string) => !counts.has(key.replace(FORMS, ''));
    expect(Object.keys(texts).filter(single).sort()).toEqual(Object.keys(english).filter(single).sort());
    for (const [key, text] of Object.entries(texts).filter(([key]) => single(key))) {
      expect(placeholders(text), key).toEqual(placeholders(english[key]!));
      expect(text.trim(), key).not.toBe('');
      // Lines are broken where the heading has room for them.
      expect(text.split('\n').length, key).toBe(english[key]!.split('\n').length);
    }
  });

  it('has each plural form that its counts take, and no other', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const base of counted(en)) {
      const found = Object.keys(all[language]).filter((key) => key.replace(FORMS, '') === base && FORMS.test(key));
      expect(found.sort(), base).toEqual(forms.map((form) => `${base}.${form}`).sort());
      // One, two and none may be said in words; what stands for many numbers says which.
      for (const form of forms) {
        const text = all[language][`${base}.${form}`]!;
        if (!['zero', 'one', 'two'].includes(form)) expect(placeholders(text), `${base}.${form}`).toEqual(['{n}']);
      }
    }
  });

  it('leaves nothing as it is in English but names and words that are the same', () => {
    if (language === 'en') return;
    const same = Object.keys(en).filter((key) => all[language][key] === en[key as keyof typeof en]);
    expect(same.length / Object.keys(en).length).toBeLessThan(0.06);
  });
});
