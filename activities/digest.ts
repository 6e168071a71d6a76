// Digests of transcripts, calls and agent records. 128 bits are enough, since nobody gains from a collision.
import { hash } from 'node:crypto';
import { sortedFields } from '../core/sortedFields.ts';

export function digestOf(...texts: readonly string[]): string {
  // The lengths make ("ab", "c") and ("a", "bc") differ.
  const data = texts.map((text) => `${text.length}:${text}`).join('');
  return hash('sha256', data, 'buffer').subarray(0, 16).toString('base64url');
}

/** In hexadecimal. */
export const sha256 = (text: string): string => hash('sha256', text, 'hex');

/** Extends a transcript's digest by one message, so that every prefix of the transcript has a digest. */
export function extendDigest(before: string, messageJson: string): string {
  return digestOf(before, messageJson);
}

/** The digest of a tool and its arguments. The order of keys and the whitespace do not matter. */
export function callDigest(tool: string, args: unknown): string {
  return digestOf(tool, JSON.stringify(sortedFields(args)));
}
