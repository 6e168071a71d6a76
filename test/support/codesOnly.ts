// Replaces the words of all reasons by their codes, for whatever is loaded after it: `node --import ./test/support/codesOnly.ts`.
// What still works then has read no English.
import { registerHooks } from 'node:module';

const WORDS = new URL('../../core/reasons/english.ts', import.meta.url).href;
const CODES = new URL('./codesEnglish.ts', import.meta.url).href;

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    // The replacement itself still has the rest of the module.
    return resolved.url === WORDS && context.parentURL !== CODES ? { ...resolved, url: CODES } : resolved;
  },
});
