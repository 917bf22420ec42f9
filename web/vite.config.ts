import { brotliCompressSync, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Puts `.br` and `.gz` beside what is worth compressing; the server picks what a browser takes. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        const source = file.type === 'chunk' ? file.code : file.source;
        if (!/\.(js|css|html|svg|webmanifest)$/.test(file.fileName)) continue;
        const plain = Buffer.from(source);
        for (const [extension, pack] of [['br', brotliCompressSync], ['gz', gzipSync]] as const) {
          this.emitFile({ type: 'asset', fileName: `${file.fileName}.${extension}`, source: pack(plain) });
        }
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), precompress()],
  build: {
    target: 'es2022',
    // Nothing is inlined as a data: URL, so that the content security policy can stay strict.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': { target: 'http://localhost:8080', ws: true } },
  },
  test: {
    // No DOM here: whatever touches one has no business in src/rtc.
    environment: 'node',
    include: ['src/**/*.test.ts'],
  },
});
