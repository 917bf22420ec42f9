import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { build, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { fakeServer } from './fakeServer.ts';

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

/**
 * Makes a script of its own, without imports and at one address for ever: `/sw.js` of the service
 * worker, since some browsers know no others, and `/embed.js` that pages of other sites name.
 */
function ownScript(fileName: string, source: string): Plugin {
  const entry = fileURLToPath(new URL(source, import.meta.url));
  async function script(minify: boolean): Promise<string> {
    const built = await build({
      configFile: false,
      logLevel: 'warn',
      build: {
        write: false,
        copyPublicDir: false,
        target: 'es2022',
        minify,
        rolldownOptions: { input: entry, output: { format: 'iife' } },
      },
    });
    const [{ output }] = [built].flat() as { output: { code?: string }[] }[];
    return output[0]?.code ?? '';
  }
  return {
    name: `script-${fileName}`,
    async generateBundle() {
      this.emitFile({ type: 'asset', fileName, source: await script(true) });
    },
    configureServer(server) {
      server.middlewares.use(`/${fileName}`, (_request, response, next) => {
        const send = (text: string) => response.setHeader('content-type', 'text/javascript').end(text);
        script(false).then(send, next);
      });
    },
  };
}

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), ownScript('sw.js', 'src/worker/sw.ts'), ownScript('embed.js', 'src/embed/element.ts'), precompress(), ...(mode.startsWith('fake') ? [fakeServer(mode)] : [])],
  build: {
    target: 'es2022',
    // Nothing is inlined as a data: URL, so that the content security policy can stay strict.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What every page needs is one file, however much of it pages that are loaded later need, too: more
    // files are more requests, and compress worse.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'first', tags: ['$initial'] }] } } },
  },
  server: {
    proxy: mode.startsWith('fake') ? {} : { '/api': { target: 'http://localhost:8080', ws: true } },
  },
  test: {
    // No DOM here: whatever touches one has no business in src/rtc.
    environment: 'node',
    include: ['src/**/*.test.ts'],
    // Random orders take their time on a busy machine; only what hangs is to fail.
    testTimeout: 60_000,
  },
}));
