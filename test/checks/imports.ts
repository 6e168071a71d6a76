// Reads the imports of each source file from its text, including types and re-exports.
import { glob, readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Import {
  readonly from: string;
  /** A file of ours by its path from the root, or a package by its name. */
  readonly to: string;
  /** `import type` and `export type`: nothing of it is there at run time. */
  readonly isType: boolean;
}

/** Statements that begin a line, and `import('…')` anywhere, in types as well. */
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?<type>type\s+)?(?:[^'";]*?\sfrom\s+)?'(?<fixed>[^']+)'|\bimport\('(?<dynamic>[^']+)'\)/g;

export async function importsOf(folder: string): Promise<Import[]> {
  const found: Import[] = [];
  for await (const file of glob(`${folder}/**/*.ts`, { cwd: root })) {
    const text = await readFile(resolve(root, file), 'utf8');
    for (const { groups } of text.matchAll(IMPORT)) {
      const name = groups?.['fixed'] ?? groups?.['dynamic'] ?? '';
      const to = name.startsWith('.') ? relative(root, resolve(root, dirname(file), name)) : name;
      found.push({ from: file, to, isType: groups?.['type'] !== undefined });
    }
  }
  return found;
}
