import { expect, it } from 'vitest';

const files = import.meta.glob<string>(['./**/*.ts', '!./dist/**', '!./purity.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** What would tie this folder to a page or a framework. */
const FORBIDDEN = [/\bdocument\b/, /\bwindow\b/, /\bHTML\w*Element\b/, /from ['"]svelte/, /\bnavigator\b/];

function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

it('finds the files it is about', () => {
  expect(Object.keys(files)).toContain('./call.ts');
});

it.each(Object.entries(files))('%s needs neither a page nor a framework', (_, source) => {
  for (const word of FORBIDDEN) expect(withoutComments(source)).not.toMatch(word);
});

it.each(Object.entries(files))('%s imports nothing from outside this folder', (path, source) => {
  const allowed = path.includes('.test.') ? /^(\.\.?\/|vitest$)/ : /^\.\.?\//;
  for (const [, from] of source.matchAll(/^(?:import|export)[^;]*? from '([^']+)'/gm)) {
    expect(from).toMatch(allowed);
    const folder = path.split('/').length > 2;
    expect(from).not.toMatch(folder ? /^\.\.\/\.\.\// : /^\.\.\//);
  }
});
