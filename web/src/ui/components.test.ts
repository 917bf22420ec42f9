// What every component keeps to: no text of its own, and no left or right in its style.
import { parse } from 'svelte/compiler';
import { expect, it } from 'vitest';

const sources = import.meta.glob<string>(['./**/*.svelte', './**/*.css'], { query: '?raw', import: 'default', eager: true });
const files = Object.keys(sources);
const read = (name: string) => sources[name] ?? '';

/** Attributes that people read or hear. */
const SPOKEN = /^(aria-(label|description|placeholder|roledescription|valuetext)|title|alt|placeholder|label|text|hint|confirm)$/;
const LETTERS = /\p{L}{2,}/u;
/** The name of a text, as `call.mute`. */
const KEY = /^[a-z_]+(\.[a-z_]+)+$/;

/** The words that stand in the markup of a component, rather than in the translations. */
function words(source: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown, inAttribute = false): void => {
    if (Array.isArray(node)) return node.forEach((each) => visit(each, inAttribute));
    if (typeof node !== 'object' || node === null) return;
    const { type, name, data, value } = node as Record<string, unknown>;
    if (type === 'Attribute') {
      if (SPOKEN.test(String(name))) visit(value, true);
      return;
    }
    if (type === 'StyleDirective') return;
    if (type === 'Text' && LETTERS.test(String(data))) found.push(String(data).trim());
    // Quoted words in an expression, as in {muted ? 'Off' : t('on')}.
    if (type === 'ConditionalExpression' && inAttribute) literals(node, found);
    for (const child of Object.values(node)) visit(child, inAttribute);
  };
  visit(parse(source, { modern: true }).fragment);
  return found;
}

/** What a condition chooses between, where it is written out. */
function literals(node: object, found: string[]): void {
  const { consequent, alternate } = node as unknown as Record<string, { type: string; value?: unknown }>;
  for (const side of [consequent, alternate]) {
    if (side?.type !== 'Literal' || typeof side.value !== 'string' || KEY.test(side.value)) continue;
    if (LETTERS.test(side.value)) found.push(side.value);
  }
}

/** Declarations that would be on the wrong side where people read from right to left. */
function sides(style: string): string[] {
  const named = style.match(/\b(margin|padding|border|scroll-margin|scroll-padding)-(left|right)\b[^;]*|\b(text-align|float|clear): *(left|right)/g) ?? [];
  const four = [...style.matchAll(/\b(margin|padding|inset): *([^;{}]+);/g)]
    .filter(([, , value]) => {
      const parts = (value ?? '').replace(/\([^()]*(\([^()]*\)[^()]*)*\)/g, '()').trim().split(/\s+/);
      // The insets of a device are on the sides of its glass, whichever way people read.
      return parts.length === 4 && parts[1] !== parts[3] && !/safe-area-inset-(left|right)/.test(value ?? '');
    })
    .map(([whole]) => whole);
  return [...named, ...four];
}

it.each(files.filter((name) => name.endsWith('.svelte')))('%s has its texts in the translation files', (name) => {
  expect(words(read(name))).toEqual([]);
});

it.each(files)('%s reads from both sides', (name) => {
  const source = read(name);
  const style = name.endsWith('.css') ? source : (source.match(/<style>[\s\S]*<\/style>/)?.[0] ?? '');
  expect(sides(style)).toEqual([]);
});

it('finds words, and sides', () => {
  expect(words('<p>Hello {name}</p>')).toEqual(['Hello']);
  expect(words('<button aria-label="Close">×</button>')).toEqual(['Close']);
  expect(words("<Button label={on ? 'Turn off' : t('on')} />")).toEqual(['Turn off']);
  expect(words("<Button label={t(on ? 'call.mute' : 'call.unmute')} />")).toEqual([]);
  expect(words("<p class='some thing'>{t('start.title')}</p>")).toEqual([]);
  expect(sides('p { margin-left: 3px; padding: 1px 2px 3px 4px; }')).toHaveLength(2);
  expect(sides('p { margin-inline-start: 3px; padding: 1px 2px 3px; inset: 0 auto; }')).toEqual([]);
});
