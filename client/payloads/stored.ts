// What a payload is in a store: its bytes under the digest of them. The same payload is kept once, and one that is damaged
// is told from one that is whole.
import { createHash } from 'node:crypto';
import { type StorageDriver, StorageDriverClaim } from '@temporalio/common';
import { StoredPayloadLost } from '../errors/errors.ts';
import { PAYLOAD_BYTES_MAX } from './gzip.ts';
import { payloadProto } from './sdk.ts';

/** A place for bytes under a key. */
export interface ObjectStore {
  /** The same key always has the same bytes. What is there already counts as new again: it may be deleted by its age. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** null where there is nothing of that key. */
  get(key: string): Promise<Uint8Array | null>;
}

export interface DriverOptions {
  /** Stands in histories, so that it is known where to look: never change it while there are runs that name it. */
  readonly name: string;
  readonly type: string;
  /** For people: where it keeps things. */
  readonly place: string;
}

/** What the server's histories are spared in one task; more at once would only wait for the same disk. */
const AT_ONCE = 8;

export function driverOf({ name, type, place }: DriverOptions, store: ObjectStore): StorageDriver {
  // A disk or a database that fails does not say that it is the store.
  const failed = (done: string) => (error: Error & { readonly code?: unknown }) => {
    throw new Error(`${place} cannot be ${done}: ${error.message || error.code}`, { cause: error });
  };
  return {
    name,
    type,
    store: ({ abortSignal }, payloads) =>
      inTurns(payloads, abortSignal, async (payload) => {
        const bytes = payloadProto.encode(payload).finish();
        if (bytes.length > PAYLOAD_BYTES_MAX)
          throw new RangeError(
            `A payload of ${bytes.length} bytes is too large for ${place}: ${PAYLOAD_BYTES_MAX} may be.`,
          );
        const key = digestOf(bytes);
        await store.put(key, bytes).catch(failed('written'));
        return new StorageDriverClaim({ sha256: key });
      }),
    retrieve: ({ abortSignal }, claims) =>
      inTurns(claims, abortSignal, async ({ claimData }) => {
        const key = claimData['sha256'] ?? '';
        // It comes from a history, and is about to be a path or a key.
        if (!/^[0-9a-f]{64}$/.test(key))
          throw new StoredPayloadLost('stored_key_invalid', { key: key.slice(0, 100), place });
        const bytes = await store.get(key).catch(failed('read'));
        if (bytes === null) throw new StoredPayloadLost('stored_payload_missing', { key, place });
        if (digestOf(bytes) !== key) throw new StoredPayloadLost('stored_payload_damaged', { key, place });
        return payloadProto.decode(bytes);
      }),
  };
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Results in order, a few at a time. */
async function inTurns<From, To>(
  all: readonly From[],
  signal: AbortSignal | undefined,
  make: (one: From) => Promise<To>,
): Promise<To[]> {
  const made: To[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    signal?.throwIfAborted();
    made.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(make))));
  }
  return made;
}
