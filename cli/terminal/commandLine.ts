// Command lines to suggest to the user.
import { idText } from './inert.ts';

/** How to invoke the program: through npm's scripts in a clone, through npx if it is installed. */
export const PROGRAM = import.meta.url.endsWith('.ts') ? 'npm run -s holdfast --' : 'npx holdfast';

/** Returns a command line to type next, quoted for a shell. */
export function commandLine(words: readonly string[], flags = ''): string {
  return `${PROGRAM} ${commandWords(words)}${flags}`;
}

/** Quotes words for a shell. */
export function commandWords(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  // What cannot be shown as it is, is spelled: bash, zsh and others read it back.
  return idText(word) === word ? `'${word.replaceAll("'", "'\\''")}'` : `$'${Array.from(word, spelled).join('')}'`;
}

function spelled(letter: string): string {
  if (/^[ -~]$/.test(letter)) return letter.replace(/['\\]/, '\\$&');
  const code = letter.codePointAt(0)!.toString(16);
  return code.length <= 4 ? `\\u${code.padStart(4, '0')}` : `\\U${code.padStart(8, '0')}`;
}
