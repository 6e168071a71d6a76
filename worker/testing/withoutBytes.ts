// Recordings have references to images and files, and not their bytes: a recorded model needs none, and a test no store.
import { ExternalStorage, ValueError } from '@temporalio/common';
import type { StoredBytes } from '../../core/types.ts';
import type { Recording } from './recording.ts';

const STORE = 'of the record';

/** A store of nothing: it takes no payload, and what is asked of it is lost. */
export const NO_STORE = new ExternalStorage({
  drivers: [
    {
      name: STORE,
      type: STORE,
      store: async () => {
        throw new TypeError('Nothing is stored here.');
      },
      retrieve: async () => {
        throw new ValueError('a recording has no bytes, and its model needs none');
      },
    },
  ],
  driverSelector: () => null,
});

/** The same recording, whose images and files are in that store. */
export function withoutBytes(recording: Recording): Recording {
  return changed(recording) as Recording;
}

function changed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(changed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'stored' && isStored(inner) ? { ...inner, store: STORE } : changed(inner),
    ]),
  );
}

function isStored(value: unknown): value is StoredBytes {
  const { store, claim, bytes, sha256 } = Object(value) as Partial<Record<keyof StoredBytes, unknown>>;
  return (
    typeof store === 'string' && typeof claim === 'object' && typeof bytes === 'number' && typeof sha256 === 'string'
  );
}
