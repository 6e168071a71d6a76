// How commands are typed here, for whatever says what to type next.
import { inert } from './inert.ts';

/** How the command is typed here: through npm's scripts in a clone, through npx where it is installed. */
export const TYPED = import.meta.url.endsWith('.ts') ? 'npm run -s holdfast --' : 'npx holdfast';

/** A command line to type next, its words as a shell has to be given them. */
export function typed(words: readonly string[], flags = ''): string {
  const quoted = words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${inert(word).replaceAll("'", "'\\''")}'`,
  );
  return `${TYPED} ${quoted.join(' ')}${flags}`;
}
