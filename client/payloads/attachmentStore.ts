// Keeps the bytes of images and files in the payload store, encoded as payloads are, and returns the reference that history has.
import { createHash } from 'node:crypto';
import { type DataConverter, type Payload, StorageDriverClaim, ValueError } from '@temporalio/common';
import type { StoredBytes } from '../../core/types.ts';
import { InvalidAttachment, PayloadUnreadable, StoredPayloadLost } from '../errors/errors.ts';
import { isForGood } from './payloadError.ts';
import { encodingOf, isUnreadable } from './plain.ts';
import { bytesOf, decode, encode } from './sdk.ts';
import { isKeptInline } from './steady.ts';
import { storeError } from './tolerant.ts';

export interface AttachmentStore {
  /** Whether this process has a payload store. */
  readonly exists: boolean;
  put(bytes: Uint8Array, signal?: AbortSignal): Promise<StoredBytes>;
  /** `lost`: the store does not have them any more, or they are others. Throws if the store is away, or another process has it. */
  get(stored: StoredBytes, signal?: AbortSignal): Promise<{ readonly bytes: Uint8Array } | { readonly lost: string }>;
}

const PLAIN_BYTES = 'binary/plain';

export function attachmentStoreOf(
  { payloadCodecs = [], externalStorage: storage }: Pick<DataConverter, 'payloadCodecs' | 'externalStorage'>,
  namespace: string,
): AttachmentStore {
  return {
    exists: storage !== undefined,
    async put(bytes, signal) {
      if (!storage) throw new InvalidAttachment('attachment_without_store', {});
      const plain: Payload = { metadata: { encoding: bytesOf(PLAIN_BYTES) }, data: bytes };
      // Several runs may have the same file, so it is encoded for none of them.
      const payload = (await encode(payloadCodecs, [plain], undefined))[0]!;
      const context = { target: { kind: 'workflow', namespace }, ...(signal && { abortSignal: signal }) } as const;
      const driver = storage.driverSelector(context, payload);
      if (!driver) throw new InvalidAttachment('attachment_not_stored', { why: 'the storage has no store for it' });
      const [claim] = await driver.store(context, [payload]).catch((error) => {
        signal?.throwIfAborted();
        throw notStored(error);
      });
      // Of a payload, the reference may have the bytes while the store is away. Of these, history must not have them.
      if (!claim || isKeptInline(claim)) throw notStored(new Error(`the store "${driver.name}" is away`));
      return { store: driver.name, claim: { ...claim.claimData }, bytes: bytes.length, sha256: sha256(bytes) };
    },
    async get({ store, claim, bytes: size, sha256: expected }, signal) {
      if (!storage) throw new PayloadUnreadable('storage_missing', {});
      const driver = storage.drivers.find(({ name }) => name === store);
      if (!driver) throw new PayloadUnreadable('storage_unknown', { store });
      try {
        const context = signal ? { abortSignal: signal } : {};
        const [payload] = await driver.retrieve(context, [new StorageDriverClaim({ ...claim })]);
        const { metadata, data } = readable((await decode(payloadCodecs, [readable(payload!)], undefined))[0]!);
        const isThis = data && encodingOf({ metadata: metadata ?? null }) === PLAIN_BYTES && data.length === size;
        if (!isThis || sha256(data) !== expected)
          return { lost: `What the store "${store}" has is not what the reference says.` };
        return { bytes: data };
      } catch (error) {
        const own = storeError(error);
        if ((isForGood(own) && !isAnothers(own)) || isGone(own)) return { lost: (own as Error).message };
        throw error;
      }
    },
  };
}

/** A worker gets what is lost as a payload that cannot be read. */
function readable(payload: Payload): Payload {
  const encoding = encodingOf(payload);
  if (!isUnreadable(encoding)) return payload;
  throw new StoredPayloadLost('stored_attachment_lost', { why: encoding.slice(encoding.indexOf(':') + 2) });
}

/** Without its codec, this process cannot read it, and another one can. */
function isAnothers(error: unknown): boolean {
  return error instanceof PayloadUnreadable && error.code === 'encoding_unknown';
}

/** Temporal's driver for S3 says so in other words: the cause is that of AWS's client, and what is damaged or no claim is a `ValueError`. */
function isGone(error: unknown): boolean {
  if (error instanceof ValueError) return true;
  return error instanceof Error && error.cause instanceof Error && error.cause.name === 'NoSuchKey';
}

function notStored(error: unknown): InvalidAttachment {
  const why = error instanceof Error ? error.message : String(error);
  return new InvalidAttachment('attachment_not_stored', { why }, { cause: error });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
