// Cursors: the place of an entry in a list, as a text that holds no more than what the list is sorted by.
import { InvalidList } from '../errors/errors.ts';

/** Returns the cursor of an entry that is sorted by these. */
export function cursorOf(...place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** Reads a cursor: numbers, and a text at the end. */
export function readCursor(
  cursor: string,
  numbers: number,
): { readonly numbers: readonly number[]; readonly id: string } {
  try {
    const place: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(place) && place.length === numbers + 1) {
      const [id, ...rest] = place.toReversed();
      const isValid =
        typeof id === 'string' && rest.every((one) => Number.isSafeInteger(one) && Math.abs(one) <= 8.64e15);
      if (isValid) return { numbers: rest.reverse(), id };
    }
  } catch {
    // No JSON.
  }
  const problem = `after is ${JSON.stringify(cursor)}, which is no cursor of this list. Pass the cursor of one of its entries.`;
  throw new InvalidList('list_invalid', { problem });
}

/** Checks the number of entries that a list is asked for. */
export function checkLimit(limit: number, name = 'limit'): void {
  if (Number.isSafeInteger(limit) && limit >= 1) return;
  throw new InvalidList('list_invalid', { problem: `${name} is ${limit}; it must be a whole number of at least 1.` });
}
