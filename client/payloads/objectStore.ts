// Stores a payload's bytes under their digest, which deduplicates payloads and detects damaged ones.
import { createHash } from 'node:crypto';
import { type StorageDriver, StorageDriverClaim } from '@temporalio/common';
import { StoredPayloadLost } from '../errors/errors.ts';
import { PAYLOAD_BYTES_MAX } from './gzip.ts';
import { payloadProto } from './sdk.ts';

/** Keeps bytes under a key. */
export interface ObjectStore {
  /** A key always has the same bytes. Storing it again must renew its date, as old payloads may be deleted by age. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Resolves with null if there is no such key. */
  get(key: string): Promise<Uint8Array | null>;
}

export interface DriverOptions {
  /** The name in histories, by which the store is found. Do not change it while runs refer to it. */
  readonly name: string;
  readonly type: string;
  /** Describes the store in error messages. */
  readonly description: string;
}

/** Concurrent reads or writes per task; more would only wait for the same disk. */
const CONCURRENCY = 8;

export function driverOf({ name, type, description }: DriverOptions, store: ObjectStore): StorageDriver {
  // The errors of a disk or a database do not name the store.
  const failed = (done: string) => (error: Error & { readonly code?: unknown }) => {
    throw new Error(`${description} cannot be ${done}: ${error.message || error.code}`, { cause: error });
  };
  return {
    name,
    type,
    store: ({ abortSignal }, payloads) =>
      mapInBatches(payloads, abortSignal, async (payload) => {
        const bytes = payloadProto.encode(payload).finish();
        if (bytes.length > PAYLOAD_BYTES_MAX)
          throw new RangeError(
            `A payload of ${bytes.length} bytes is too large for ${description}: at most ${PAYLOAD_BYTES_MAX} are allowed.`,
          );
        const key = digestOf(bytes);
        await store.put(key, bytes).catch(failed('written'));
        return new StorageDriverClaim({ sha256: key });
      }),
    retrieve: ({ abortSignal }, claims) =>
      mapInBatches(claims, abortSignal, async ({ claimData }) => {
        // Anybody may have made the claim.
        const key = String(claimData['sha256']);
        // The key comes from a history and is about to become a path: check it.
        if (!/^[0-9a-f]{64}$/.test(key))
          throw new StoredPayloadLost('stored_key_invalid', { key: key.slice(0, 100), store: description });
        const bytes = await store.get(key).catch(failed('read'));
        if (bytes === null) throw new StoredPayloadLost('stored_payload_missing', { key, store: description });
        if (digestOf(bytes) !== key) throw new StoredPayloadLost('stored_payload_damaged', { key, store: description });
        return payloadProto.decode(bytes);
      }),
  };
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Maps in batches of a few, keeping the order. */
async function mapInBatches<From, To>(
  all: readonly From[],
  signal: AbortSignal | undefined,
  map: (one: From) => Promise<To>,
): Promise<To[]> {
  const results: To[] = [];
  for (let at = 0; at < all.length; at += CONCURRENCY) {
    signal?.throwIfAborted();
    results.push(...(await Promise.all(all.slice(at, at + CONCURRENCY).map(map))));
  }
  return results;
}
