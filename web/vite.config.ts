import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Puts `.br` and `.gz` beside what is worth compressing; the server picks what a browser takes. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    // After everything is written: before that, some plugin may still change a file.
    async writeBundle({ dir = 'dist' }) {
      for (const name of await readdir(dir, { recursive: true })) {
        if (!/\.(js|css|html|svg|webmanifest)$/.test(name)) continue;
        const path = join(dir, name);
        const plain = await readFile(path);
        await writeFile(`${path}.br`, brotliCompressSync(plain));
        await writeFile(`${path}.gz`, gzipSync(plain));
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
