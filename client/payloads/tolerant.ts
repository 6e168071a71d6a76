// What a worker makes of payloads that it cannot read. The SDK decodes all payloads of a workflow task at once, and the first that
// fails, be it of a signal that nobody reads, fails the task again and again. So such a payload is replaced by one that only its own
// reader fails on: an update is refused, a signal dropped, and the result of an activity waits for a worker that can read it.
import {
  ApplicationFailure,
  type DataConverter,
  ExternalStorage,
  type Payload,
  type PayloadCodec,
  type SerializationContext,
  type StorageDriver,
} from '@temporalio/common';
import { NOT_JSON } from '../../core/activityResults.ts';
import { SIGNAL_BYTES_MAX, STORE_RETRY_MS } from '../../core/limits.ts';
import { FAILURE, parseActivityId } from '../../core/names.ts';
import { PayloadUnreadable, StoredPayloadLost } from '../errors/errors.ts';
import { BUILT_IN_CODECS } from './options.ts';
import { isForGood } from './payloadError.ts';
import { encodingOf, isPlain, isUnreadable, unreadable } from './plain.ts';
import { bytesOf, decode, encode, replaceReferences } from './sdk.ts';
import { mapDrivers } from './steady.ts';

/** Above the carried state (32 MB) and all messages of one history, whatever they unpack to. */
export const UNPACKED_BYTES_MAX = 96 * 1024 * 1024;

const TOO_MUCH = unreadable(`the run was sent more than ${UNPACKED_BYTES_MAX / 1024 ** 2} MB`);

type Context = SerializationContext | undefined;

/**
 * Replaces references to stored payloads, for all workers of this process that have no store. It changes the SDK, so it is not for
 * a worker of somebody else's.
 */
export function replaceUnstored(): void {
  replaceReferences(() => unreadable(new PayloadUnreadable('storage_missing', {}).message));
}

/** Makes the converter of a client that of a worker. */
export function tolerantConverter(converter: DataConverter): DataConverter {
  const { payloadCodecs = [], externalStorage: storage } = converter;
  return {
    ...converter,
    payloadCodecs: [tolerantCodec(payloadCodecs)],
    ...(storage && { externalStorage: mapDrivers(storage, tolerantDriver, TolerantStorage) }),
  };
}

/** What a run was sent so far, in the order in which it is decoded. */
interface Account {
  bytes: number;
  last: Promise<unknown>;
}

/** For histories whose payloads are decoded already. */
export const TOLERANT: DataConverter = { payloadCodecs: [tolerantCodec([])] };

function tolerantCodec(codecs: PayloadCodec[]): PayloadCodec {
  // A codec of the options may refuse what is plain.
  const leavesPlain = codecs.length <= BUILT_IN_CODECS;
  // A workflow in the cache has one context. Replayed from its beginning, it is decoded, and counted, from there.
  const accounts = new WeakMap<object, Account>();

  async function sentToRun(payload: Payload, context: object & Context): Promise<Payload> {
    const account = accounts.get(context) ?? { bytes: 0, last: Promise.resolve() };
    accounts.set(context, account);
    // One after another, so that what is too much is never in memory.
    const decoding = account.last.then(async () => {
      const decoded = await readable(payload, context);
      const bytes = decoded.data?.length ?? 0;
      // What a run takes notice of in any case does not depend on the count, in which a replay has no queries.
      if (bytes <= SIGNAL_BYTES_MAX) return decoded;
      account.bytes += bytes;
      return account.bytes > UNPACKED_BYTES_MAX ? TOO_MUCH : decoded;
    });
    account.last = decoding.catch(() => undefined);
    return decoding;
  }

  async function readable(payload: Payload, context: Context): Promise<Payload> {
    try {
      return await decodeOne(payload, context);
    } catch (error) {
      if (!isForGood(error)) throw error;
      return unreadable((error as Error).message);
    }
  }

  async function decodeOne(payload: Payload, context: Context): Promise<Payload> {
    return (await decode(codecs, [payload], context))[0]!;
  }

  return {
    encode: (payloads, context) => encode(codecs, payloads, context),
    decode: (payloads, context) =>
      Promise.all(
        payloads.map((payload) => {
          const encoding = encodingOf(payload);
          const isSmall = (payload.data?.length ?? 0) <= SIGNAL_BYTES_MAX;
          if (isUnreadable(encoding)) return payload;
          if (leavesPlain && isSmall && isPlain(encoding)) return isCall(context) ? result(payload) : payload;
          if (context?.type === 'workflow') return sentToRun(payload, context);
          return isCall(context) ? decodeOne(payload, context).then(result) : decodeOne(payload, context);
        }),
      ),
  };
}

function isCall(context: Context): boolean {
  return context?.type === 'activity' && parseActivityId(context.activityId ?? '') !== null;
}

const BAD_RESULT: Payload = {
  metadata: { encoding: bytesOf('json/plain') },
  data: bytesOf(JSON.stringify(NOT_JSON)),
};

function result(payload: Payload): Payload {
  return isBadResult(payload) ? BAD_RESULT : payload;
}

/** Workers of other languages write what JSON does not have (`NaN`), or bytes, which no later attempt would read either. */
function isBadResult(payload: Payload): boolean {
  const encoding = encodingOf(payload);
  if (encoding !== 'json/plain') return isPlain(encoding) && encoding !== 'binary/null' && encoding !== '';
  try {
    JSON.parse(new TextDecoder().decode(payload.data ?? undefined));
    return false;
  } catch {
    return true;
  }
}

/** In place of a store that this worker does not have. */
function absent(name: string, why: PayloadUnreadable): StorageDriver {
  return {
    name,
    type: 'holdfast.absent',
    store: () => Promise.reject(why),
    retrieve: async (_, claims) => claims.map(() => unreadable(why.message)),
  };
}

class TolerantStorage extends ExternalStorage {
  override getDriver(name: string): StorageDriver {
    return super.getDriver(name) ?? absent(name, new PayloadUnreadable('storage_unknown', { store: name }));
  }
}

function tolerantDriver(driver: StorageDriver): StorageDriver {
  return {
    name: driver.name,
    type: driver.type,
    store: (context, payloads) => driver.store(context, payloads),
    async retrieve(context, claims) {
      try {
        return await driver.retrieve(context, claims);
      } catch (error) {
        if (!(error instanceof StoredPayloadLost)) throw storeUnavailable(error);
        if (claims.length === 1) return [unreadable(error.message)];
        // One of them.
        return (await Promise.all(claims.map((claim) => this.retrieve(context, [claim])))).flat();
      }
    },
  };
}

/** An attempt that cannot read its input does not begin, so there may be many. */
function storeUnavailable(error: unknown): ApplicationFailure {
  const failure = ApplicationFailure.create({
    message: error instanceof Error ? error.message : String(error),
    type: FAILURE.storeUnavailable,
    nextRetryDelay: STORE_RETRY_MS,
  });
  behind.set(failure, error);
  return failure;
}

/** The errors of stores. As causes of the failures they would be in histories. */
const behind = new WeakMap<object, unknown>();

/** Returns the error of the store behind a failure; the error itself if it is none. */
export function storeError(error: unknown): unknown {
  return behind.get(Object(error)) ?? error;
}
