// How payloads are compressed, encoded and stored on their way to the server; the same options for clients and workers.
import { fileURLToPath } from 'node:url';
import { type DataConverter, ExternalStorage, type PayloadCodec, type StorageDriver } from '@temporalio/common';
import { InvalidPayloads } from '../errors/errors.ts';
import { gzipCodec } from './gzip.ts';
import { anyEncoding, explained, plainOnly } from './plain.ts';
import { mendReferences } from './sdk.ts';
import { mapDrivers, steadyDriver } from './steady.ts';

export interface PayloadOptions {
  /**
   * Size in bytes above which a payload is compressed, if that makes it smaller. `Infinity` turns compression off.
   * @default 32 kB
   */
  readonly compressAbove?: number;
  /** Codecs, for example for encryption. They encode in this order, after compression and before storage. */
  readonly codecs?: readonly PayloadCodec[];
  /** Stores payloads of more than 256 kB outside of Temporal. An `ExternalStorage` allows other sizes and several drivers. */
  readonly storage?: StorageDriver | ExternalStorage;
}

/** How many codecs come before those of the options. They leave alone what is plain. */
export const BUILT_IN_CODECS = 2;

/** Path of the failure converter that is used with codecs; the SDK and the workflow bundle load it. */
export const FAILURES = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './failures.ts' : './failures.js', import.meta.url),
);

/**
 * Converts the options to the `DataConverter` that Temporal's clients and workers accept.
 *
 * ```ts
 * const client = new Client({ connection, dataConverter: dataConverter({ codecs: [encryption] }) });
 * ```
 */
export function dataConverter({ compressAbove, codecs = [], storage }: PayloadOptions = {}): DataConverter {
  // HOLDFAST_PAYLOADS may name a module that was never type-checked.
  if (compressAbove !== undefined && !(typeof compressAbove === 'number' && compressAbove >= 0))
    throw new InvalidPayloads('compress_above_invalid', { given: compressAbove });
  if (!Array.isArray(codecs) || !codecs.every((codec) => codec?.encode && codec.decode))
    throw new InvalidPayloads('codecs_invalid', {});
  if (storage !== undefined && !isStore(storage)) throw new InvalidPayloads('storage_invalid', {});
  if (storage) mendReferences();
  return {
    // Decoding runs from last to first.
    payloadCodecs: [plainOnly, gzipCodec(compressAbove), ...codecs.map(explained)],
    // Without codecs, failure messages stay readable in the Web UI.
    ...(codecs.length > 0 && { failureConverterPath: FAILURES }),
    ...(storage && { externalStorage: mapDrivers(storageOf(storage), steadyDriver) }),
  };
}

/** Converters that `composedConverter` has made: a plugin may be registered with a client and its connection. */
const composed = new WeakSet<DataConverter>();

/**
 * Composes the converter of an existing client or worker with these options. Without options, nothing is written differently; what
 * other clients have compressed is read.
 */
export function composedConverter(existing: DataConverter = {}, options?: PayloadOptions): DataConverter {
  if (composed.has(existing)) return existing;
  const { payloadConverterPath, failureConverterPath, externalStorage, payloadCodecs = [] } = existing;
  if (externalStorage && options?.storage) throw new InvalidPayloads('storage_twice', {});
  const ours = dataConverter(options ?? { compressAbove: Number.POSITIVE_INFINITY });
  const [plain, ...codecs] = ours.payloadCodecs!;
  const converter: DataConverter = {
    ...ours,
    ...(payloadConverterPath !== undefined && { payloadConverterPath }),
    ...(failureConverterPath !== undefined && { failureConverterPath }),
    ...(externalStorage && { externalStorage }),
    // The existing ones come last, as they did before: what leaves the process is what they make of it.
    payloadCodecs: [
      payloadConverterPath === undefined ? plain! : anyEncoding,
      ...codecs,
      ...payloadCodecs.map(explained),
    ],
  };
  composed.add(converter);
  return converter;
}

function storageOf(storage: StorageDriver | ExternalStorage): ExternalStorage {
  return isDriver(storage) ? new ExternalStorage({ drivers: [storage] }) : storage;
}

function isStore(storage: StorageDriver | ExternalStorage): boolean {
  return typeof storage === 'object' && storage !== null && (isDriver(storage) || 'drivers' in storage);
}

function isDriver(storage: StorageDriver | ExternalStorage): storage is StorageDriver {
  return 'store' in storage;
}
