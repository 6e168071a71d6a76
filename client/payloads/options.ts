// What becomes of payloads between this process and the server: one set of options, the same for clients and workers.
import { fileURLToPath } from 'node:url';
import { type DataConverter, ExternalStorage, type PayloadCodec, type StorageDriver } from '@temporalio/common';
import { InvalidPayloads } from '../errors/errors.ts';
import { gzipCodec } from './gzip.ts';
import { explained, plainOnly } from './plain.ts';
import { mendReferences } from './sdk.ts';

export interface PayloadOptions {
  /** Payloads of more bytes than this are compressed, where that makes them smaller; 32 kB when not said. */
  readonly compressAbove?: number;
  /** Run after compression, in this order, and before storing; encryption goes here. */
  readonly codecs?: readonly PayloadCodec[];
  /** Where payloads of more than 256 kB are kept, outside of Temporal; `ExternalStorage` says it in detail. */
  readonly storage?: StorageDriver | ExternalStorage;
}

/** The converter of failures where there are codecs; Temporal's SDK and the workflow bundle take it by its path. */
export const FAILURES = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './failures.ts' : './failures.js', import.meta.url),
);

/** The options as Temporal's clients and workers take them. */
export function dataConverter({ compressAbove, codecs = [], storage }: PayloadOptions = {}): DataConverter {
  // These come from modules that no type check may have seen.
  if (compressAbove !== undefined && !(typeof compressAbove === 'number' && compressAbove >= 0))
    throw new InvalidPayloads('compress_above_invalid', { given: compressAbove });
  if (!Array.isArray(codecs) || !codecs.every((codec) => codec?.encode && codec.decode))
    throw new InvalidPayloads('codecs_invalid', {});
  if (storage !== undefined && !isStore(storage)) throw new InvalidPayloads('storage_invalid', {});
  if (storage) mendReferences();
  return {
    // Read from the last to the first.
    payloadCodecs: [plainOnly, gzipCodec(compressAbove), ...codecs.map(explained)],
    // Without codecs, the messages of failures stay where the Web UI shows them.
    ...(codecs.length > 0 && { failureConverterPath: FAILURES }),
    ...(storage && { externalStorage: isDriver(storage) ? new ExternalStorage({ drivers: [storage] }) : storage }),
  };
}

function isStore(storage: StorageDriver | ExternalStorage): boolean {
  return typeof storage === 'object' && storage !== null && (isDriver(storage) || 'drivers' in storage);
}

function isDriver(storage: StorageDriver | ExternalStorage): storage is StorageDriver {
  return 'store' in storage;
}
