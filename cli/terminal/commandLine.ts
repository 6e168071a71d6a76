// Command lines to suggest to the user.
import { inert } from './inert.ts';

/** How to invoke the program: through npm's scripts in a clone, through npx if it is installed. */
export const PROGRAM = import.meta.url.endsWith('.ts') ? 'npm run -s holdfast --' : 'npx holdfast';

/** Returns a command line to type next, quoted for a shell. */
export function commandLine(words: readonly string[], flags = ''): string {
  const quoted = words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${inert(word).replaceAll("'", "'\\''")}'`,
  );
  return `${PROGRAM} ${quoted.join(' ')}${flags}`;
}
