// Payloads for programs that have no codecs of their own: Temporal's Web UI and its command line, which send them as JSON.
import type { Payload } from '@temporalio/common';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { dataConverter, type PayloadOptions } from './options.ts';
import { toPayloadError } from './payloadError.ts';
import { decode, encode, isReferencePayload, payloadProto, retrieval } from './sdk.ts';

export interface RemoteCodec {
  /** Decodes what can be read, and leaves the rest as it came. Rejects if nothing of it can be read, or if it unpacks to too much. */
  decode(payloads: readonly Payload[]): Promise<Decoded>;
  /** Compresses and encodes. Stores nothing: what the server does not take is refused by the server. */
  encode(payloads: readonly Payload[]): Promise<readonly Payload[]>;
}

export interface Decoded {
  readonly payloads: readonly Payload[];
  /** Why some of them are as they came. */
  readonly problems: readonly Error[];
}

/** More than a page could show; a few bytes may unpack to it. */
export const DECODED_BYTES_MAX = 64 * 1024 * 1024;

export class TooMuchDecoded extends Error {
  constructor() {
    super(`The payloads unpack to more than ${DECODED_BYTES_MAX / 1024 ** 2} MiB.`);
  }
}

/** A codec that knows no run: `encode` and `decode` of the options get no context. */
export function remoteCodec(options: PayloadOptions): RemoteCodec {
  const converter = loadDataConverter(dataConverter(options));
  const { payloadCodecs } = converter;
  const { transformPayload: retrieve } = retrieval(converter);

  async function decodeOne(payload: Payload): Promise<Payload> {
    const stored = await retrieve(payload);
    const decoded = (await decode(payloadCodecs, [stored], undefined))[0]!;
    // Anybody may have put the reference inside of what was encoded. No reader follows it.
    return isReferencePayload(decoded) ? payload : decoded;
  }

  return {
    async decode(given) {
      const payloads: Payload[] = [];
      const problems: Error[] = [];
      let bytes = 0;
      // One after another, so that what is too much is never in memory.
      for (const payload of given) {
        const decoded = await decodeOne(payload).catch((error) => {
          problems.push(toPayloadError(error) as Error);
          return payload;
        });
        bytes += decoded.data?.length ?? 0;
        if (bytes > DECODED_BYTES_MAX) throw new TooMuchDecoded();
        payloads.push(decoded);
      }
      if (problems.length > 0 && problems.length === given.length) throw problems[0]!;
      return { payloads, problems };
    },
    encode: (payloads) => encode(payloadCodecs, [...payloads], undefined),
  };
}

/** Reads the JSON of a payload. Throws if it is none. */
export function payloadFromJson(json: object): Payload {
  return payloadProto.fromObject(json);
}

/** The JSON of a payload, with its bytes as base64. */
export function payloadToJson(payload: Payload): object {
  return payloadProto.toObject(payload, { bytes: String, longs: String });
}
