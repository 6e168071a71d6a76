// Outages of a payload store. What cannot be stored stays in history, inside of its reference, if the server takes it there: a tool
// that has run, and whose result has nowhere to go, would have to run again.
import {
  ExternalStorage,
  type Payload,
  type StorageDriver,
  StorageDriverClaim,
  type StorageDriverRetrieveContext,
  type StorageDriverStoreContext,
} from '@temporalio/common';
import { StoredPayloadLost } from '../errors/errors.ts';
import { payloadProto } from './sdk.ts';

/** As base64, and with the rest of the reference, it is below the server's limit of 2 MiB for a payload. */
export const INLINE_BYTES_MAX = 1_400_000;
/** A workflow task has 10 s in all. */
const STORE_TIMEOUT_MS = 4_000;
/** A read, or a write that has to succeed. After this, another attempt is better than a place that is taken for ever. */
const PATIENCE_MS = 30_000;
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
      const store = (within: StorageDriverStoreContext) => driver.store(within, payloads);
      if (encoded.some(({ length }) => length > INLINE_BYTES_MAX)) return inTime(PATIENCE_MS, context, store);
      if (Date.now() >= leftAloneUntilMs)
        try {
          const claims = await inTime(STORE_TIMEOUT_MS, context, store);
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
      const retrieve = (within: StorageDriverRetrieveContext) => driver.retrieve(within, stored);
      const retrieved = (stored.length > 0 ? await inTime(PATIENCE_MS, context, retrieve) : []).values();
      return claims.map(({ claimData: { [INLINE]: inline } }) =>
        inline === undefined ? retrieved.next().value! : inlinePayload(inline, driver.name),
      );
    },
  };
}

/** Whether the store has not taken what the claim is for. */
export function isKeptInline({ claimData }: StorageDriverClaim): boolean {
  return claimData[INLINE] !== undefined;
}

/** Anybody may have made the claim. */
function inlinePayload(inline: unknown, store: string): Payload {
  try {
    return payloadProto.decode(Buffer.from(inline as string, 'base64'));
  } catch {
    throw new StoredPayloadLost('stored_payload_damaged', { key: INLINE, store });
  }
}

async function inTime<Context extends { abortSignal?: AbortSignal }, Result>(
  ms: number,
  context: Context,
  work: (context: Context) => Promise<Result>,
): Promise<Result> {
  const late = AbortSignal.timeout(ms);
  const abortSignal = context.abortSignal ? AbortSignal.any([context.abortSignal, late]) : late;
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new Error(`The store has not answered for ${ms / 1_000} s.`));
  late.addEventListener('abort', giveUp);
  try {
    // A driver may ignore its signal.
    return await Promise.race([work({ ...context, abortSignal }), promise]);
  } finally {
    late.removeEventListener('abort', giveUp);
  }
}
