// Which files a program imports: those that change what it does when they change. Packages are not among them.
import { registerHooks } from 'node:module';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Set for a worker whose parent wants to know them; others expect one message, when it is ready. */
export const IMPORTS_WANTED = 'HOLDFAST_DEV_IMPORTS';

const PACKAGES = `${sep}node_modules${sep}`;

/** Calls `onImport` with each file that is imported from now on, also one that is not there, or has an error. */
export function onImports(onImport: (file: string) => void): void {
  const seen = new Set<string>();
  function report(url: string): void {
    if (!url.startsWith('file:')) return;
    const file = fileURLToPath(url);
    if (file.includes(PACKAGES) || seen.has(file)) return;
    seen.add(file);
    onImport(file);
  }
  registerHooks({
    resolve(specifier, context, next) {
      try {
        const resolved = next(specifier, context);
        report(resolved.url);
        return resolved;
      } catch (error) {
        const isPath = /^\.{0,2}\//.test(specifier);
        if (isPath && context.parentURL) report(new URL(specifier, context.parentURL).href);
        throw error;
      }
    },
  });
}
