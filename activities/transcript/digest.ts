// Digests: of a place in a transcript, of a call, of instructions. 128 bits are enough for names that nobody attacks.
import { createHash } from 'node:crypto';

export function digestOf(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  // The length keeps ("ab", "c") and ("a", "bc") apart.
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest().subarray(0, 16).toString('base64url');
}

/** Extends the digest of what came before by one message: a transcript's digest is known at each of its places. */
export function extendDigest(before: string, messageJson: string): string {
  return digestOf(before, messageJson);
}

/** The same for the same tool and arguments, however the model ordered and spaced them. */
export function callDigest(tool: string, args: unknown): string {
  return digestOf(tool, JSON.stringify(sorted(args)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}
