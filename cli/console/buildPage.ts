// Builds the page with Vite, into a folder or in memory. The package has the result, and not this.
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { type PageFiles, pathsOf } from './files.ts';

const SOURCE = fileURLToPath(new URL('page', import.meta.url));

export async function buildPage(outDir?: string): Promise<PageFiles> {
  const result = await build({
    root: SOURCE,
    configFile: false,
    envDir: false,
    logLevel: 'warn',
    build: {
      ...(outDir === undefined ? { write: false } : { outDir, emptyOutDir: true }),
      // The page's policy allows no script in the page itself.
      modulePreload: false,
      assetsInlineLimit: 0,
    },
  });
  if (!('output' in result)) throw new Error('Vite watches, instead of building the page once.');
  return pathsOf(
    result.output.map((file) => [
      file.fileName,
      file.type === 'chunk' ? file.code : new Uint8Array(Buffer.from(file.source)),
    ]),
  );
}
