// The worker's cache of images and files: each turn of a run sends all of them again.
import { LRUCache } from 'lru-cache';
import type { AttachmentStore } from '../dependencies.ts';

/** A few large images, or a hundred screenshots. */
const CACHE_BYTES = 32 * 1024 * 1024;

export function cachedAttachments(store: AttachmentStore): AttachmentStore {
  const kept = new LRUCache<string, Uint8Array>({ maxSize: CACHE_BYTES, sizeCalculation: ({ length }) => length });
  return {
    exists: store.exists,
    put: (bytes, signal) => store.put(bytes, signal),
    async get(stored, signal) {
      // Whoever knows the digest has had the bytes.
      const bytes = kept.get(stored.sha256);
      if (bytes?.length === stored.bytes) return { bytes };
      const got = await store.get(stored, signal);
      if ('bytes' in got) kept.set(stored.sha256, got.bytes);
      return got;
    },
  };
}
