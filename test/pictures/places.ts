// Where the pictures of the README are, and what the test compares.
import type { Scheme } from './inbox.ts';

export const IMAGES = new URL('../../docs/images/', import.meta.url);
export const shownFile = (scheme: Scheme) => new URL(`inbox-${scheme}.txt`, import.meta.url);
