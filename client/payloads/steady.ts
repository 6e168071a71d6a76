// Outages of a payload store. What cannot be stored stays in history, inside of its reference, if the server takes it there: a tool
// that has run, and whose result has nowhere to go, would have to run again.
import {
  ExternalStorage,
  type Payload,
  type StorageDriver,
  StorageDriverClaim,
  type StorageDriverStoreContext,
} from '@temporalio/common';
import { payloadProto } from './sdk.ts';

/** As base64, and with the rest of the reference, it is below the server's limit of 2 MiB for a payload. */
export const INLINE_BYTES_MAX = 1_400_000;
/** A workflow task has 10 s in all. */
const STORE_TIMEOUT_MS = 4_000;
/** After a failure, nothing is sent to the store for this long. */
const LEFT_ALONE_MS = 5_000;

/** The field of a claim that has the payload itself, as base64. */
const INLINE = 'inline';

/** Wraps each driver of a storage. */
export function mapDrivers(
  { drivers, driverSelector, payloadSizeThreshold }: ExternalStorage,
  wrap: (driver: StorageDriver) => StorageDriver,
  Storage = ExternalStorage,
): ExternalStorage {
  const wrapped = new Map(drivers.map((driver) => [driver, wrap(driver)]));
  return new Storage({
    drivers: [...wrapped.values()],
    driverSelector(context, payload) {
      const selected = driverSelector(context, payload);
      return selected && (wrapped.get(selected) ?? selected);
    },
    payloadSizeThreshold,
  });
}

/** Returns a driver that keeps in history what the store does not take. */
export function steadyDriver(driver: StorageDriver): StorageDriver {
  let leftAloneUntilMs = 0;
  let isAway = false;

  function recordFailure(error: unknown): void {
    leftAloneUntilMs = Date.now() + LEFT_ALONE_MS;
    if (isAway) return;
    isAway = true;
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(
      `Until the store "${driver.name}" is back, payloads stay in history. ${why}`,
      'HoldfastWarning',
    );
  }

  return {
    name: driver.name,
    type: driver.type,
    async store(context, payloads) {
      const encoded = payloads.map((payload) => payloadProto.encode(payload).finish());
      // What the server does not take has to wait for the store.
      if (encoded.some(({ length }) => length > INLINE_BYTES_MAX)) return driver.store(context, payloads);
      if (Date.now() >= leftAloneUntilMs)
        try {
          const claims = await storeInTime(driver, context, payloads);
          isAway = false;
          return claims;
        } catch (error) {
          context.abortSignal?.throwIfAborted();
          recordFailure(error);
        }
      return encoded.map((bytes) => new StorageDriverClaim({ [INLINE]: Buffer.from(bytes).toString('base64') }));
    },
    async retrieve(context, claims) {
      const stored = claims.filter(({ claimData }) => claimData[INLINE] === undefined);
      const retrieved = stored.length > 0 ? (await driver.retrieve(context, stored)).values() : [].values();
      return claims.map(({ claimData: { [INLINE]: inline } }) =>
        inline === undefined ? retrieved.next().value! : payloadProto.decode(Buffer.from(inline, 'base64')),
      );
    },
  };
}

async function storeInTime(driver: StorageDriver, context: StorageDriverStoreContext, payloads: Payload[]) {
  const late = AbortSignal.timeout(STORE_TIMEOUT_MS);
  const abortSignal = context.abortSignal ? AbortSignal.any([context.abortSignal, late]) : late;
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new Error(`It has not answered for ${STORE_TIMEOUT_MS / 1_000} s.`));
  late.addEventListener('abort', giveUp);
  try {
    // A driver may ignore its signal.
    return await Promise.race([driver.store({ ...context, abortSignal }, payloads), promise]);
  } finally {
    late.removeEventListener('abort', giveUp);
  }
}
