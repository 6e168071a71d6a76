// The files of the page: built into the package, or, in a clone, built when the console starts.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../exit.ts';
import { type PageFiles, pathsOf } from './files.ts';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const BUILT = fromHere('built');
/** In a clone only. */
const BUILDER = fromHere('buildPage.ts');

/** Throws where there is no page, and nothing to build it with: in an image of a clone without its development packages. */
export function checkPage(): void {
  if (existsSync(BUILDER) && !isInstalled('vite'))
    throw new UsageError(
      "The console's page is not built here, and its builder is not installed. Use the npm package.",
    );
}

function isInstalled(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}

export async function pageFiles(): Promise<PageFiles> {
  if (!existsSync(BUILDER)) return filesIn(BUILT);
  // By its path: the package has neither the builder nor Vite.
  const builder: { buildPage(): Promise<PageFiles> } = await import(BUILDER);
  return builder.buildPage();
}

async function filesIn(folder: string): Promise<PageFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return pathsOf(
    await Promise.all(
      paths.map(async (path) => {
        const name = relative(folder, path).split(sep).join('/');
        return [name, new Uint8Array(await readFile(path))] as const;
      }),
    ),
  );
}
